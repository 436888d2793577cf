using System.Diagnostics;
using Gristmill.Client;
using Gristmill.Objects;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Gristmill.Hosting;

/// <summary>A silo in this process that speaks Flight over a real connection, so that a test sees its leases.</summary>
public sealed class FlightServer : IAsyncLifetime
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);

    private const long Capacity = 256 << 20;
    private readonly string _folder = Directory.CreateTempSubdirectory("gristmill-flight-").FullName;
    private WebApplication? _app;

    /// <summary>Where it is, for Flight's own clients.</summary>
    public string Address { get; private set; } = "";

    public Uri Http => new(Address.Replace("grpc://", "http://", StringComparison.Ordinal));

    public FlightObjects Client { get; private set; } = null!;

    public ObjectStore Store => _app!.Services.GetRequiredService<ObjectStore>();

    public IGrainFactory Grains => _app!.Services.GetRequiredService<IGrainFactory>();

    public string Folder => _folder;

    public async ValueTask InitializeAsync()
    {
        var port = LoopbackPort.Free();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenLocalhost(port, listen => listen.Protocols = HttpProtocols.Http2));
        builder.UseOrleans(silo => silo.UseGristmill(options =>
        {
            options.DataDirectory = Path.Combine(_folder, "data");
            options.ObjectDirectory = Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : _folder, Path.GetFileName(_folder));
            options.ObjectCapacityBytes = Capacity;
            options.MaxRequestBytes = 8 << 20;
            options.Executor = ExecutorKind.InProcess;
            options.Console = false;
            options.Dashboard = false;
        }));
        _app = builder.Build();
        _app.MapGristmill().WithMetadata(new Marked());
        await _app.StartAsync();
        Address = $"grpc://127.0.0.1:{port}";
        Client = new FlightObjects(Address);
    }

    /// <summary>The methods of Flight that take the conventions of what MapGristmill returns.</summary>
    public IEnumerable<string> MarkedMethods() => _app!.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        .Where(static endpoint => endpoint.Metadata.GetMetadata<Marked>() is not null && endpoint.RoutePattern.RawText!.Contains("FlightService/", StringComparison.Ordinal))
        .Select(static endpoint => endpoint.RoutePattern.RawText!.Split('/')[^1]);

    /// <summary>Files of the store that hold no sealed objects and are no pins.</summary>
    public string[] Unsealed() => [.. Directory.GetFiles(Store.Options.Directory).Select(static file => Path.GetFileName(file)!)
        .Where(static file => !file.EndsWith(".arrow", StringComparison.Ordinal) && !file.EndsWith(".slab", StringComparison.Ordinal) && !file.EndsWith(".pin", StringComparison.Ordinal))];

    /// <summary>Waits until nothing of any call is left: no lease, no segment that is being written.</summary>
    public async Task QuietAsync(CancellationToken cancellationToken)
    {
        for (var start = Stopwatch.GetTimestamp(); Store.LiveLeases > 0 || Unsealed().Length > 0; await Task.Delay(20, cancellationToken))
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < s_patience, $"{Store.LiveLeases} leases and {string.Join(", ", Unsealed())} are left.");
        }

        // One that nobody gave back goes, too, once the collector finds it.
        Assert.Equal(0, Store.LeakedLeases);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        var objects = Store.Options.Directory;
        await _app!.StopAsync();
        await _app.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
        if (Directory.Exists(objects))
        {
            Directory.Delete(objects, recursive: true);
        }
    }

    private sealed class Marked;
}
