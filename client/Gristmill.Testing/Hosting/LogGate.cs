using Microsoft.Extensions.Logging;

namespace Gristmill.Testing;

/// <summary>What of a cluster's log is written.</summary>
internal sealed class LogGate(LogLevel least)
{
    private volatile bool _closed;

    /// <summary>The cluster is about to stop: that it cuts off what still runs is no error of anybody's. Who asked for more than errors still gets all.</summary>
    public void Close() => _closed = true;

    public bool Passes(string? category, LogLevel level) =>
        level >= (_closed && least == LogLevel.Error ? LogLevel.Critical : least)
        // A clock that jumps looks like a machine that stood still.
        && category?.EndsWith("LocalSiloHealthMonitor", StringComparison.Ordinal) != true;
}
