using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Gristmill.Cli.Commands;

public sealed class TriggerAddCommandTests
{
    [Theory]
    [InlineData("30s", 30)]
    [InlineData("1.5m", 90)]
    [InlineData("6h", 21_600)]
    [InlineData("1d", 86_400)]
    [InlineData("00:15:00", 900)]
    public void Times_are_read(string text, int seconds) => Assert.Equal(seconds, TriggerAddCommand.Duration(text).TotalSeconds);

    [Theory]
    [InlineData("5")]
    [InlineData("-5m")]
    [InlineData("5 weeks")]
    [InlineData("")]
    public void What_is_no_time_is_refused(string text) =>
        Assert.Equal(ErrorCodes.Invalid, Assert.Throws<GristmillException>(() => TriggerAddCommand.Duration(text)).Code);

    [Theory]
    [InlineData("flights/best/auc < 0.6", "auc", "<", 0.6)]
    [InlineData("flights/best/trees/2001-04/auc>=1e-3", "trees/2001-04/auc", ">=", 0.001)]
    public void A_comparison_is_read(string text, string metric, string @operator, double value) =>
        Assert.Equal(new MetricThreshold("flights", "best", metric, @operator, value), TriggerAddCommand.Metric(text));

    [Theory]
    [InlineData("flights/best < 1")]
    [InlineData("flights/best/auc = 1")]
    [InlineData("flights/best/auc < much")]
    public void What_is_no_comparison_is_refused(string text) =>
        Assert.Equal(ErrorCodes.Invalid, Assert.Throws<GristmillException>(() => TriggerAddCommand.Metric(text)).Code);

    [Fact]
    public void An_object_is_its_address_and_perhaps_a_secret()
    {
        Assert.Null(TriggerAddCommand.Object(null, null));
        Assert.Equal(new ObjectArrival { Url = "https://h/x" }, TriggerAddCommand.Object("https://h/x", null));
        Assert.Equal(new ObjectArrival { Url = "https://h/x", Secret = "store" }, TriggerAddCommand.Object("https://h/x", "store"));
        Assert.Equal(ErrorCodes.Invalid, Assert.Throws<GristmillException>(() => TriggerAddCommand.Object(null, "store")).Code);
    }

    [Fact]
    public async Task An_object_trigger_is_sent_to_the_server_and_shown()
    {
        var (sent, shown) = await AddAsync("--object", "https://h/in.csv", "--object-secret", "store");
        Assert.Equal(new ObjectArrival { Url = "https://h/in.csv", Secret = "store" }, sent.Object);
        Assert.Contains("t starts p for versions of https://h/in.csv", shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stream_trigger_is_sent_to_the_server_and_shown()
    {
        var (sent, shown) = await AddAsync("--stream", "bus/orders/north");
        Assert.Equal(("bus", "orders", "north"), (sent.Stream!.Provider, sent.Stream.Namespace, sent.Stream.Key));
        Assert.Contains("t starts p for events of bus/orders/north", shown, StringComparison.Ordinal);
    }

    /// <summary>Adds a trigger at a server that takes it, and returns what it was sent and what people see.</summary>
    private static async Task<(TriggerSpec Sent, string Shown)> AddAsync(params string[] source)
    {
        string? sent = null;
        using var server = new HttpListener();
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var address = $"http://{probe.LocalEndPoint}/";
        probe.Close();
        server.Prefixes.Add(address);
        server.Start();
        var answering = AnswerAsync();
        var console = new TestConsole();

        var exit = await MillCli.InvokeAsync(
            ["trigger", "add", "t", "p", .. source, "--server", address], console.Console, TestContext.Current.CancellationToken);

        // A command that failed has asked nothing, and no answer would ever be given.
        Assert.Equal(0, exit);
        await answering;
        return (GristmillJson.Deserialize<TriggerSpec>(sent!), console.Text);

        async Task AnswerAsync()
        {
            var context = await server.GetContextAsync();
            using var reader = new StreamReader(context.Request.InputStream);
            sent = await reader.ReadToEndAsync();
            var view = new TriggerView { Spec = GristmillJson.Deserialize<TriggerSpec>(sent), Created = DateTimeOffset.UnixEpoch, Updated = DateTimeOffset.UnixEpoch };
            context.Response.ContentType = "application/json";
            await context.Response.OutputStream.WriteAsync(Encoding.UTF8.GetBytes(GristmillJson.Serialize(view)));
            context.Response.Close();
        }
    }
}
