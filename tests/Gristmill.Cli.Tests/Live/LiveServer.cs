using System.Diagnostics;
using Gristmill.Client;
using Gristmill.Hosting;

namespace Gristmill.Cli.Live;

/// <summary>One silo in a process of its own for all tests that ask a real server.</summary>
public sealed class LiveServer : IAsyncLifetime
{
    public SiloProcess Silo { get; private set; } = null!;

    public string Address => Silo.Http.BaseAddress!.AbsoluteUri;

    public GristmillClient Client { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Silo = await SiloProcess.StartAsync();
        Client = new GristmillClient(Address);
    }

    public ValueTask DisposeAsync()
    {
        Client.Dispose();
        return Silo.DisposeAsync();
    }
}

/// <summary>The tests of this collection share the server.</summary>
[CollectionDefinition(Name)]
public sealed class SharedServer : ICollectionFixture<LiveServer>
{
    public const string Name = "live";
}

/// <summary>Runs commands in this process against the server, and reads what they say as a user does.</summary>
[Collection(SharedServer.Name)]
public abstract class LiveTests(LiveServer server)
{
    protected static CancellationToken Token => TestContext.Current.CancellationToken;

    protected SiloProcess Silo => server.Silo;

    protected GristmillClient Client => server.Client;

    protected string Address => server.Address;

    protected async Task<string> RunAsync(int exitCode, params string[] args)
    {
        var console = new TestConsole();
        var ended = await MillCli.InvokeAsync([.. args, "--server", server.Address], console.Console, Token);
        Assert.True(exitCode == ended, $"mill {string.Join(' ', args)} ended with {ended}:\n{console.Text}");
        return console.Text;
    }

    /// <summary>Runs a command until it says something: tables are told of a run's end after those who watch it.</summary>
    protected async Task<string> UntilAsync(Func<string, bool> says, params string[] args)
    {
        for (var patience = Stopwatch.StartNew(); ; await Task.Delay(20, Token))
        {
            var text = await RunAsync(0, args);
            if (says(text))
            {
                return text;
            }

            Assert.True(patience.Elapsed < TimeSpan.FromSeconds(30), $"mill {string.Join(' ', args)} still says:\n{text}");
        }
    }

    /// <summary>The cells of the lines of a table, by what stands in their first column.</summary>
    protected static Dictionary<string, string[]> Rows(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Select(static line => line.Split("  ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        .ToDictionary(static cells => cells[0], StringComparer.Ordinal);

    /// <summary>A run of one stage that does nothing, unless something else is given.</summary>
    protected static PipelineSpec Idle(string name, params ParameterSpec[] parameters) => new()
    {
        Name = name,
        Parameters = [.. parameters],
        Stages = [new StageSpec { Name = "take", Operation = StageOperations.NoOp }],
    };
}
