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

    /// <summary>Where stages run.</summary>
    /// <value>Worker processes.</value>
    public ExecutorKind Executor { get; set; } = ExecutorKind.Workers;

    /// <summary>Heavy stages that run at the same time.</summary>
    /// <value>0: 2 on up to 8 cores, then one for every 4.</value>
    public int Slots { get; set; }

    /// <summary>Threads one stage may use.</summary>
    /// <value>0: all cores for a stage that runs alone, else its share.</value>
    public int ThreadsPerSlot { get; set; }

    /// <summary>Memory a worker may take for itself (shared segments do not count), in MiB.</summary>
    /// <value>0: three quarters of the machine's memory, divided by the slots.</value>
    public int WorkerMemoryMiB { get; set; }

    /// <summary>Bytes of shared memory all objects may take.</summary>
    /// <value>0: what the file system offers, less a reserve.</value>
    public long ObjectCapacityBytes { get; set; }

    /// <summary>Folder of the shared-memory segments.</summary>
    /// <value>null: /dev/shm/gristmill-CLUSTER-HASH, or a folder in the data folder where there is no shared memory.</value>
    public string? ObjectDirectory { get; set; }

    /// <summary>How long the tables of a finished run are kept; its models, metrics and state stay.</summary>
    /// <value>1 hour</value>
    public TimeSpan ObjectRetention { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Folder that relative paths in pipelines are taken from.</summary>
    /// <value>null: the current folder.</value>
    public string? BaseDirectory { get; set; }

    /// <summary>TCP port between silos.</summary>
    /// <value>0: a free one.</value>
    public int SiloPort { get; set; }

    /// <summary>TCP port for Orleans clients outside this process.</summary>
    /// <value>0: a free one.</value>
    public int GatewayPort { get; set; }

    /// <summary>Whether triggers that a pipeline's code declares come to life when it is registered.</summary>
    /// <value>true; false in the silo that a pipeline's program embeds for one run</value>
    public bool DeclaredTriggers { get; set; } = true;

    /// <summary>Largest request body REST accepts, in bytes.</summary>
    /// <value>256 MiB</value>
    public long MaxRequestBytes { get; set; } = 256L << 20;
}
