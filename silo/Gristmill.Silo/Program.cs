using System.Globalization;
using Gristmill;
using Gristmill.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

// The program is nothing but the library in a host: settings come from the command line (--Gristmill:DataDirectory=...),
// the environment (Gristmill__DataDirectory) or appsettings.json.

// Bytes of a table on their way: they fit the cache of a core, where the next thread finds what the one before has written.
const int FlightBuffer = 256 << 10;

try
{
    if (args is ["storage-init", ..])
    {
        var settings = new ConfigurationBuilder().AddJsonFile("appsettings.json", optional: true).AddEnvironmentVariables().AddCommandLine(args[1..]).Build();
        Console.WriteLine(await GristmillStorage.InitializeAsync(settings));
        return 0;
    }

    // Settings are read once. To reload them the host would watch all folders below the current one, and with a data folder there it would
    // be woken by each write of the state.
    var builder = WebApplication.CreateSlimBuilder(["--hostBuilder:reloadConfigOnChange=false", .. args]);
    // The watchdog takes the machine's whole uptime for its first round's delay and warns at every start.
    builder.Logging.AddFilter("Orleans", LogLevel.Warning).AddFilter("Orleans.Runtime.Watchdog", LogLevel.Error).AddFilter("Microsoft", LogLevel.Warning).AddFilter("Polly", LogLevel.Warning).AddFilter("Grpc", LogLevel.Warning)
        .AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Information)
        .AddSimpleConsole(console => { console.SingleLine = true; console.TimestampFormat = "HH:mm:ss "; });
    // Without TLS a port speaks HTTP/1.1 or HTTP/2, and gRPC needs the latter.
    var urls = builder.Configuration["urls"] ?? "http://127.0.0.1:5080";
    // None of the ports chosen from here on may be one of these, on which nobody listens yet.
    foreach (var url in urls.Split(';'))
    {
        if (Uri.TryCreate(url.Replace("*", "0.0.0.0", StringComparison.Ordinal).Replace("+", "0.0.0.0", StringComparison.Ordinal), UriKind.Absolute, out var address))
        {
            LoopbackPort.Take(address.Port);
        }
    }

    var flight = FlightPort(builder.Configuration, urls);
    LoopbackPort.Take(flight);
    builder.WebHost.UseUrls(string.Create(CultureInfo.InvariantCulture, $"{urls};http://127.0.0.1:{flight}")).ConfigureKestrel(kestrel =>
    {
        kestrel.AddServerHeader = false;
        // A table's bytes wait here for the connection: with the default of 64 KiB its sender sleeps and wakes four times as often.
        kestrel.Limits.MaxResponseBufferSize = FlightBuffer;
        kestrel.ConfigureEndpointDefaults(listen =>
        {
            if (listen.IPEndPoint?.Port == flight)
            {
                listen.Protocols = HttpProtocols.Http2;
            }
        });
    });

    // Loopback is the default door, and a page in a browser must not reach it under another name (DNS rebinding).
    builder.Configuration["AllowedHosts"] ??= "localhost;127.0.0.1;[::1]";
    builder.Services.AddOpenApi(static openApi => openApi.AddGristmill());
    builder.Services.ConfigureHttpJsonOptions(json => GristmillJson.Configure(json.SerializerOptions));
    builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(30));
    builder.Services.Configure<SocketTransportOptions>(static sockets => sockets.MaxWriteBufferSize = FlightBuffer);
    builder.UseOrleans(silo => silo.UseGristmill(options => options.FlightPort = flight));

    var app = builder.Build();
    app.UseHostFiltering();
    app.MapGristmill();
    app.MapOpenApi();
    app.MapGet("/", static () => Results.Redirect("/console/")).ExcludeFromDescription();
    await app.RunAsync();
    return 0;
}
catch (GristmillException e)
{
    await Console.Error.WriteLineAsync($"mill: {e.Message}{(e.Error.Hint is { } hint ? " " + hint : "")} [{e.Code}]");
    return 1;
}
catch (OptionsValidationException e)
{
    foreach (var problem in e.Failures)
    {
        await Console.Error.WriteLineAsync("mill: " + problem);
    }

    return 2;
}
catch (IOException e) when (e.InnerException is Microsoft.AspNetCore.Connections.AddressInUseException)
{
    await Console.Error.WriteLineAsync($"mill: {e.Message} Choose another with --port.");
    return 1;
}

static int FlightPort(IConfiguration configuration, string urls) =>
    int.TryParse(configuration[$"{GristmillOptions.Section}:{nameof(GristmillOptions.FlightPort)}"], CultureInfo.InvariantCulture, out var port) && port is > 0 and <= 65535 ? port
    : urls.EndsWith(":5080", StringComparison.Ordinal) ? 5081 : LoopbackPort.Free();
