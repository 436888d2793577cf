using Gristmill.Storage.Sqlite;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Gristmill.Hosting;

/// <summary>Where stages run.</summary>
public enum ExecutorKind
{
    /// <summary>In worker processes: a crash ends a worker, never the silo.</summary>
    Workers = 0,
    /// <summary>In this process: for embedded silos, tests and debugging with breakpoints in stages.</summary>
    InProcess = 1,
}

/// <summary>Settings of one Gristmill silo. Bound from the configuration section "Gristmill".</summary>
public sealed class GristmillOptions
{
    /// <summary>The configuration section the options are bound from.</summary>
    public const string Section = "Gristmill";

    /// <summary>Folder of everything durable: state, model packages, user assemblies, logs. One silo a folder.</summary>
    /// <value>gristmill-data under the current folder.</value>
    public string DataDirectory { get; set; } = "gristmill-data";

    /// <summary>Cluster name: letters, digits, '-' and '_', at most 32 characters.</summary>
    /// <value>"dev"</value>
    public string Cluster { get; set; } = "dev";

    /// <summary>Where grain state, reminders and membership are kept.</summary>
    /// <value>SQLite, in the data folder.</value>
    public StorageKind Storage { get; set; } = StorageKind.Sqlite;

    /// <summary>How far a write to SQLite goes before it is acknowledged: with Normal it survives the death of the silo, but the newest may be lost in a power cut.</summary>
    /// <value>Full: every write is flushed to the disk, together with those that come at the same time.</value>
    public SqliteSynchronous SqliteSynchronous { get; set; } = SqliteSynchronous.Full;

    /// <summary>
    /// How to reach PostgreSQL: "Host=db;Database=gristmill;Username=mill;Password=...". A secret: give it in the environment
    /// (Gristmill__ConnectionString) or a file, not on a command line; it is never logged.
    /// </summary>
    /// <value>null</value>
    public string? ConnectionString { get; set; }

    /// <summary>Where stages run.</summary>
    /// <value>Worker processes.</value>
    public ExecutorKind Executor { get; set; } = ExecutorKind.Workers;

    /// <summary>Heavy stages that run at the same time.</summary>
    /// <value>0: 2 on up to 8 cores, then one for every 4.</value>
    public int Slots { get; set; }

    /// <summary>Threads one stage may use.</summary>
    /// <value>0: all cores for a stage that runs alone, else its share.</value>
    public int ThreadsPerSlot { get; set; }

    /// <summary>What this host has of the resources that stages require, by name: <c>Gristmill:Resources:gpu</c>. No more of one is in use at a time.</summary>
    /// <value>"gpu": as many as there are NVIDIA devices; of others nothing.</value>
    public Dictionary<string, double> Resources { get; init; } = new(StringComparer.Ordinal);

    /// <summary>Memory a worker may take for itself (shared segments do not count), in MiB.</summary>
    /// <value>0: three quarters of the machine's memory, divided by the slots.</value>
    public int WorkerMemoryMiB { get; set; }

    /// <summary>Bytes of shared memory all objects may take.</summary>
    /// <value>0: what the file system offers, less a reserve.</value>
    public long ObjectCapacityBytes { get; set; }

    /// <summary>Folder of the shared-memory segments.</summary>
    /// <value>null: /dev/shm/gristmill-CLUSTER-HASH, or a folder in the data folder where there is no shared memory.</value>
    public string? ObjectDirectory { get; set; }

    /// <summary>Folder on a disk for objects that memory has no room for: those used longest ago go there, and come back when they are read.</summary>
    /// <value>null: "spill" in the data folder. Empty: none, and a full store refuses.</value>
    public string? SpillDirectory { get; set; }

    /// <summary>Bytes that <see cref="SpillDirectory"/> may hold.</summary>
    /// <value>0: what its disk has room for.</value>
    public long SpillCapacityBytes { get; set; }

    /// <summary>Bytes that the memory of deleted objects may take, which is kept for a minute to be written again. It goes when the store runs short.</summary>
    /// <value>null: an eighth of the store's capacity, 2 GiB at most. 0: none.</value>
    public long? RecycledBytes { get; set; }

    /// <summary>How long a stage that writes an object waits for room in a full store, before it is refused.</summary>
    /// <value>10 seconds</value>
    public TimeSpan PutTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Folder of model packages and users' assemblies, and of logs and checkpoints of stages; the silos of a cluster share one.</summary>
    /// <value>null: "content" and "stages" in the data folder.</value>
    public string? ContentDirectory { get; set; }

    /// <summary>How long the tables of a finished run are kept; its models, metrics and state stay.</summary>
    /// <value>1 hour</value>
    public TimeSpan ObjectRetention { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Whether stages may take over results of earlier executions.</summary>
    /// <value>true</value>
    public bool Cache { get; set; } = true;

    /// <summary>Results kept for later stages; those used least recently go first.</summary>
    /// <value>4,096</value>
    public int CacheMaxEntries { get; set; } = 4096;

    /// <summary>How long after its last use a result is kept.</summary>
    /// <value>7 days</value>
    public TimeSpan CacheMaxAge { get; set; } = TimeSpan.FromDays(7);

    /// <summary>Bytes of tables that are kept for later stages beyond their runs' retention; those used least recently go first.</summary>
    /// <value>0: a quarter of what all objects may take.</value>
    public long CacheMaxBytes { get; set; }

    /// <summary>How long what stages printed is kept, and checkpoints that no attempt has taken up.</summary>
    /// <value>30 days</value>
    public TimeSpan LogRetention { get; set; } = TimeSpan.FromDays(30);

    /// <summary>Folder that relative paths in pipelines are taken from.</summary>
    /// <value>null: the current folder.</value>
    public string? BaseDirectory { get; set; }

    /// <summary>
    /// IP address by which other silos reach this one. Whoever reaches its ports commands the cluster: give it one of a private network.
    /// </summary>
    /// <value>127.0.0.1: silos of this machine alone</value>
    public string Address { get; set; } = "127.0.0.1";

    /// <summary>TCP port from which other hosts read this one's objects; it is opened when the first is wanted.</summary>
    /// <value>0: a free one.</value>
    public int ObjectPort { get; set; }

    /// <summary>TCP port between silos.</summary>
    /// <value>0: a free one.</value>
    public int SiloPort { get; set; }

    /// <summary>TCP port for Orleans clients outside this process.</summary>
    /// <value>0: a free one.</value>
    public int GatewayPort { get; set; }

    /// <summary>
    /// TCP port on loopback where Arrow Flight is spoken without TLS: HTTP/2 needs a port of its own there. The silo program listens on it; another
    /// host listens itself and says here where, so that clients find it.
    /// </summary>
    /// <value>0: in the silo program 5081 beside REST's 5080, else a free one; in other hosts unknown.</value>
    public int FlightPort { get; set; }

    /// <summary>Whether triggers that a pipeline's code declares come to life when it is registered.</summary>
    /// <value>true; false in the silo that a pipeline's program embeds for one run</value>
    public bool DeclaredTriggers { get; set; } = true;

    /// <summary>Whether the web console is mapped.</summary>
    public bool Console { get; set; } = true;

    /// <summary>Origins whose pages may ask for changes through a browser, such as "https://ml.example.com"; the host's own always may.</summary>
    /// <value>none; as a setting Gristmill:TrustedOrigins:0 and so on</value>
    public List<string> TrustedOrigins { get; } = [];

    /// <summary>Whether the Orleans dashboard can be opened beside the console.</summary>
    /// <value>true; false where no web application can show it, as in a pipeline's program and in tests</value>
    public bool Dashboard { get; set; } = true;

    /// <summary>Largest request body REST accepts, in bytes.</summary>
    /// <value>256 MiB</value>
    public long MaxRequestBytes { get; set; } = 256L << 20;

    /// <summary>Reads the options of a configuration and checks them.</summary>
    /// <exception cref="OptionsValidationException">Settings are unknown, cannot be read or are out of range; every problem is named.</exception>
    internal static GristmillOptions Read(IConfiguration configuration, Action<GristmillOptions>? configure = null)
    {
        var options = new GristmillOptions();
        var problems = SettingsReader.Bind(configuration.GetSection(Section), options);
        configure?.Invoke(options);
        var checks = new GristmillOptionsValidator().Validate(null, options);
        problems = [.. problems, .. checks.Failures ?? []];
        return problems.Count == 0 ? options : throw new OptionsValidationException(Section, typeof(GristmillOptions), problems);
    }
}
