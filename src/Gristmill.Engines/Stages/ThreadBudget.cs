namespace Gristmill.Engines;

/// <summary>
/// Divides a machine's cores among the worker slots that compute at the same time, so that the thread pools of torch, LightGBM, DuckDB
/// and ONNX Runtime together ask for no more threads than there are cores: OpenMP pools that fight for a core lose far more than they gain.
/// </summary>
/// <param name="Cores">Cores of the machine, or those given to the silo.</param>
/// <param name="Slots">Attempts that may run at once.</param>
public sealed record ThreadBudget(int Cores, int Slots)
{
    /// <summary>The budget of this machine.</summary>
    /// <param name="slots">Attempts that may run at once.</param>
    public static ThreadBudget OfMachine(int slots) => new(Environment.ProcessorCount, slots);

    /// <summary>Threads of one slot: the cores' fair share, at least 1. The first slots get the remainder.</summary>
    /// <param name="slot">Slot number from 0.</param>
    public int Of(int slot)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(slot);
        var slots = Math.Max(1, Slots);
        var cores = Math.Max(1, Cores);
        return Math.Max(1, (cores / slots) + (slot < cores % slots ? 1 : 0));
    }

    /// <summary>Threads of an attempt in a slot that asks for a number of its own; never more than the cores.</summary>
    /// <param name="slot">Slot number from 0.</param>
    /// <param name="asked">What the attempt asks for; 0 leaves it to the slot.</param>
    public int Of(int slot, int asked) => asked > 0 ? Math.Min(asked, Math.Max(1, Cores)) : Of(slot);

    /// <summary>Environment variables that hold native thread pools of a worker process to a number of threads, and let their idle threads sleep.</summary>
    /// <param name="threads">Threads of the worker.</param>
    public static IReadOnlyDictionary<string, string> Environ(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        var text = threads.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["OMP_NUM_THREADS"] = text,
            ["MKL_NUM_THREADS"] = text,
            // Spinning threads of one pool keep another pool's from the core.
            ["OMP_WAIT_POLICY"] = "passive",
        };
    }
}
