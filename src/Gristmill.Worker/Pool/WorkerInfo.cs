namespace Gristmill.Worker;

/// <summary>One worker process, as seen now.</summary>
/// <param name="Number">Its number in the pool; a replacement gets a new one.</param>
/// <param name="ProcessId">Its process id.</param>
/// <param name="Busy">Whether a heavy attempt runs in it.</param>
/// <param name="Attempts">Heavy attempts it has run.</param>
/// <param name="OwnMemory">Anonymous resident memory in bytes: shared segments do not count.</param>
public sealed record WorkerInfo(int Number, int ProcessId, bool Busy, int Attempts, long OwnMemory);
