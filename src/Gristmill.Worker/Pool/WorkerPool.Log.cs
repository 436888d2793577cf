using Microsoft.Extensions.Logging;

namespace Gristmill.Worker;

internal sealed partial class WorkerPool
{
    [LoggerMessage(1, LogLevel.Debug, "Worker {Number} (process {ProcessId}) is ready after {Milliseconds:0} ms.")]
    private partial void LogStarted(int number, int processId, double milliseconds);

    [LoggerMessage(2, LogLevel.Debug, "Worker {Number} (process {ProcessId}) has ended.")]
    private partial void LogEnded(int number, int processId);

    [LoggerMessage(3, LogLevel.Warning, "Something connected to the workers' socket without a worker's token; it was turned away.")]
    private partial void LogStranger();

    [LoggerMessage(4, LogLevel.Warning, "Worker {Number} (process {ProcessId}) holds {Own} MiB of its own, above the limit of {Limit} MiB, and is killed.")]
    private partial void LogOverMemory(int number, int processId, long own, long limit);

    [LoggerMessage(5, LogLevel.Warning, "Worker {Number} (process {ProcessId}) stopped answering and is killed.")]
    private partial void LogHung(int number, int processId);

    [LoggerMessage(6, LogLevel.Debug, "Worker {Number} (process {ProcessId}) was idle for long and is ended.")]
    private partial void LogIdle(int number, int processId);

    [LoggerMessage(7, LogLevel.Warning, "What an ended worker left in the object store could not be removed: {Reason}")]
    private partial void LogNotSwept(string reason);
}
