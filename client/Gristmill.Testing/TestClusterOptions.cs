using Microsoft.Extensions.Logging;

namespace Gristmill.Testing;

/// <summary>Settings of a <see cref="TestCluster"/>.</summary>
public sealed record TestClusterOptions
{
    /// <summary>What its clock shows at first.</summary>
    /// <value>2026-01-01 00:00 UTC</value>
    public DateTimeOffset StartTime { get; init; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>
    /// Whether waiting for a run skips time: where nothing runs and a timer is what a run waits for (a retry's back-off, say), the clock
    /// goes on to it. Off, the clock moves only by the test.
    /// </summary>
    /// <value>true</value>
    public bool SkipTime { get; init; } = true;

    /// <summary>Real time after which waiting for a run gives up and says what it waits for.</summary>
    /// <value>60 seconds</value>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Folder that relative paths in pipelines are taken from.</summary>
    /// <value>null: the current folder.</value>
    public string? BaseDirectory { get; init; }

    /// <summary>What the silo writes to standard error, of this level and above.</summary>
    /// <value>Error</value>
    public LogLevel LogLevel { get; init; } = LogLevel.Error;

    /// <summary>What there is of the resources that stages require.</summary>
    /// <value>"gpu": as many as the machine has; of others nothing.</value>
    public IReadOnlyDictionary<string, double> Resources { get; init; } = new Dictionary<string, double>();

    /// <summary>Threads one stage may use.</summary>
    /// <value>1: results then do not depend on the machine.</value>
    public int Threads { get; init; } = 1;
}
