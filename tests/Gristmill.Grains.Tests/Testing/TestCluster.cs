using Gristmill.Grains.Objects;
using Gristmill.Storage.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using Orleans.TestingHost;

namespace Gristmill.Grains.Testing;

/// <summary>A cluster in this process on the real SQLite provider, in a folder of its own.</summary>
internal sealed class TestCluster : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private readonly string _folder = Directory.CreateTempSubdirectory("gristmill-grains-").FullName;

    private TestCluster(short silos, long maxBytes)
    {
        var builder = new InProcessTestClusterBuilder(silos);
        builder.ConfigureSilo((_, silo) =>
        {
            silo.Services.AddSingleton<IStageExecutor>(Executor);
            silo.Services.AddSingleton<ISecretStore, TestSecrets>();
            silo.Services.AddSingleton<ITrackingStore>(Index);
            silo.Services.AddSingleton<TimeProvider>(Clock);
            silo.Services.AddSingleton<IStageFingerprints>(Fingerprints);
            silo.Services.AddSingleton<IStageFiles>(Files);
            silo.Services.AddSingleton<IObjectHosts>(Hosts);
            silo.Services.AddSingleton<ILoggerProvider>(Logs);
            silo.AddSqliteGrainStorage("gristmill", options =>
            {
                options.Path = Database;
                options.MaxBytes = maxBytes;
            });
            CommitCounter.Add(silo.Services, "gristmill", Commits);
            silo.UseSqliteReminders(options =>
            {
                options.Path = Database;
                options.MaxBytes = maxBytes;
            });
            silo.AddGristmillGrains();
            silo.AddMemoryGrainStorage("PubSubStore");
            silo.AddMemoryStreams("events");
            silo.AddIncomingGrainCallFilter(new MessageSizes(Largest));
            silo.AddIncomingGrainCallFilter(new LostCalls(Lost, Late));
            silo.Services.Configure<ClusterMembershipOptions>(static options =>
            {
                options.ProbeTimeout = TimeSpan.FromSeconds(1);
                options.NumMissedProbesLimit = 2;
            });
        });
        builder.ConfigureClient(static client => client.AddMemoryStreams("events"));
        Cluster = builder.Build();
    }

    public InProcessTestCluster Cluster { get; }

    public ScriptedExecutor Executor { get; } = new();

    public IndexStore Index { get; } = new();

    public ScriptedFingerprints Fingerprints { get; } = new();

    public ScriptedFiles Files { get; } = new();

    /// <summary>Other silos' object stores: none, unless a test adds them.</summary>
    public ScriptedHosts Hosts { get; } = new();

    public RecordedLogs Logs { get; } = new();

    /// <summary>How often the store has taken each stage in as succeeded, by "run/stage".</summary>
    public System.Collections.Concurrent.ConcurrentDictionary<string, int> Commits { get; } = new();

    /// <summary>The silos' clock; tests may put it forward.</summary>
    public ShiftedClock Clock { get; } = new();

    /// <summary>Bytes of the largest argument list seen per method.</summary>
    public System.Collections.Concurrent.ConcurrentDictionary<string, long> Largest { get; } = new();

    /// <summary>Calls that do not arrive, as <see cref="LostCalls"/> has it.</summary>
    public System.Collections.Concurrent.ConcurrentDictionary<string, object?> Lost { get; } = new();

    /// <summary>What answers of calls wait for.</summary>
    public System.Collections.Concurrent.ConcurrentDictionary<string, Func<Task>> Late { get; } = new();

    public IClusterClient Client => Cluster.Client;

    private string Database => Path.Combine(_folder, "gristmill.db");

    public static async Task<TestCluster> StartAsync(short silos = 1, long maxBytes = 0)
    {
        var cluster = new TestCluster(silos, maxBytes);
        await cluster.Cluster.DeployAsync();
        return cluster;
    }

    public async Task<string> RunAsync(PipelineSpec spec, RunRequest? request = null)
    {
        await Client.RegisterPipelineAsync(spec);
        return await Client.GetGrain<IPipelineGrain>(spec.Name).StartRunAsync(request ?? new RunRequest());
    }

    /// <summary>The run once it is over, by watching it.</summary>
    public async Task<RunView> EndOfAsync(string run)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            try
            {
                await foreach (var change in Client.GetGrain<IRunGrain>(run).WatchAsync(patience.Token).WithCancellation(patience.Token))
                {
                    if (change.Run is { Ended: not null } over)
                    {
                        return over;
                    }
                }
            }
            catch (Exception e) when (e is OrleansException or EnumerationAbortedException or TimeoutException && !patience.IsCancellationRequested)
            {
                // The silo of the run died: watch its next activation.
            }
        }
    }

    /// <summary>Waits until something holds, asking again and again; for what has no event to await.</summary>
    public static async Task UntilAsync(Func<Task<bool>> holds)
    {
        using var patience = new CancellationTokenSource(Patience);
        Exception? last = null;
        for (var asked = 1; !await HoldsAsync(); asked++)
        {
            if (patience.IsCancellationRequested)
            {
                throw new TimeoutException($"It does not hold after {Patience.TotalSeconds:0} s; asked {asked} times.", last);
            }

            await Task.Delay(10);
        }

        async Task<bool> HoldsAsync()
        {
            try
            {
                return await holds();
            }
            catch (Exception e) when (e is OrleansException or TimeoutException && !patience.IsCancellationRequested)
            {
                // The silo died that was asked.
                last = e;
                return false;
            }
        }
    }

    /// <summary>Kills the only silo, starts another on the same state, and waits until it answers.</summary>
    public async Task RestartAsync()
    {
        await Cluster.KillSiloAsync(Cluster.Silos[0]);
        await Cluster.StartAdditionalSiloAsync();
        await UntilAsync(async () => await Client.GetGrain<ICatalogGrain>("pipelines").ListAsync() is not null);
    }

    /// <summary>Bytes that a grain's state takes in the database.</summary>
    public async Task<long> StateBytesAsync(IGrain grain, string name)
    {
        await using var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={Database};Mode=ReadOnly;Pooling=False");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = "select length(payload) from grain_state where grain=$grain and name=$name";
        command.Parameters.AddWithValue("$grain", grain.GetGrainId().ToString());
        command.Parameters.AddWithValue("$name", name);
        return (long)(await command.ExecuteScalarAsync() ?? throw new InvalidOperationException($"No state '{name}' of {grain.GetGrainId()}."));
    }

    /// <summary>States and reminders in the database of grains whose id holds a text.</summary>
    public async Task<(long States, long Reminders)> CountRowsAsync(string text)
    {
        await using var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={Database};Mode=ReadOnly;Pooling=False");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = "select (select count(*) from grain_state where instr(grain, $text)>0), (select count(*) from reminder where instr(grain, $text)>0)";
        command.Parameters.AddWithValue("$text", text);
        await using var reader = await command.ExecuteReaderAsync();
        await reader.ReadAsync();
        return (reader.GetInt64(0), reader.GetInt64(1));
    }

    public async ValueTask DisposeAsync()
    {
        await Cluster.DisposeAsync();
        try
        {
            Directory.Delete(_folder, recursive: true);
        }
        catch (IOException)
        {
            // A killed silo's leftovers may write their last file between listing and deleting.
            Directory.Delete(_folder, recursive: true);
        }
    }
}
