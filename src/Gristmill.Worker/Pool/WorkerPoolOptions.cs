namespace Gristmill.Worker;

/// <summary>How many worker processes there are, and what each may use.</summary>
public sealed record WorkerPoolOptions
{
    /// <summary>Heavy attempts at once, each in a worker of its own.</summary>
    /// <value>2 on up to 8 processors, then one for every 4.</value>
    public int Slots { get; init; } = Math.Max(2, System.Environment.ProcessorCount / 4);

    /// <summary>Threads of an attempt that does not say.</summary>
    /// <value>0: all processors when it is alone, else its share of them when it starts.</value>
    public int ThreadsPerSlot { get; init; }

    /// <summary>Own memory (anonymous pages: shared segments and mapped files do not count) above which a worker is ended, in MiB.</summary>
    /// <value>Three quarters of the machine's memory, divided by the slots.</value>
    public int MemoryMiB { get; init; }

    /// <summary>How long a worker may be idle before it is ended.</summary>
    /// <value>60 s</value>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Workers that stay, however long they are idle, unless they hold more than <see cref="IdleMemoryMiB"/>.</summary>
    /// <value>1</value>
    public int KeepWarm { get; init; } = 1;

    /// <summary>Idle workers that are started beside busy ones, so that an attempt that comes next need not wait for a process.</summary>
    /// <value>1</value>
    public int Spare { get; init; } = 1;

    /// <summary>Own memory above which even the last idle worker is ended: libraries it loaded are not given back otherwise.</summary>
    /// <value>128 MiB</value>
    public int IdleMemoryMiB { get; init; } = 128;

    /// <summary>Heavy attempts after which a worker is replaced, so that leaks in native code do not add up.</summary>
    /// <value>500</value>
    public int MaxAttempts { get; init; } = 500;

    /// <summary>How long a worker may take to start.</summary>
    /// <value>30 s</value>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a worker may leave a ping unanswered before it is taken for hung and killed.</summary>
    /// <value>30 s</value>
    public TimeSpan PingTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Folder of the workers' log files (worker-N.log, turned over at 4 MiB, one old file kept); null: none.</summary>
    /// <value>null</value>
    public string? LogDirectory { get; init; }

    /// <summary>Folder for the pool's socket, created with mode 0700; at most 60 bytes long.</summary>
    /// <value>null: gristmill-UID below XDG_RUNTIME_DIR or the folder for temporary files.</value>
    public string? RuntimeDirectory { get; init; }

    /// <summary>Base folder of relative paths in options; null refuses them.</summary>
    /// <value>null</value>
    public string? BaseDirectory { get; init; }

    /// <summary>Environment variables of the workers, over the silo's own.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();
}
