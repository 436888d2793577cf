namespace Gristmill.Worker;

/// <summary>A heavy attempt's hold on a worker.</summary>
/// <param name="Request">The attempt.</param>
/// <param name="MemoryLimit">Own memory above which the worker is killed, in bytes.</param>
internal sealed record AttemptSlot(StageRequest Request, long MemoryLimit);
