namespace Gristmill.Engines.Torch.Interop;

/// <summary>
/// Tells the C library's malloc, which libtorch's CPU tensors come from, to keep the memory of one training step for the next.
/// </summary>
/// <remarks>
/// A step frees its activations all at once. By default malloc then gives them back to the kernel or not, depending on what
/// lies above them, and the next step faults its pages in anew: up to three quarters of a convolutional network's step.
/// Tensors above <see cref="MapThreshold"/> are mapped one by one and do go back; libtorch asks for huge pages for those
/// (<see cref="HugePages"/>). Peaks do not grow: 32 MiB is where malloc's own sliding threshold ends too.
/// </remarks>
internal static class HeapSettings
{
    /// <summary>libtorch's environment variable; "1": tensors of 2 MiB and more are aligned to, and advised as, huge pages.</summary>
    public const string HugePages = "THP_MEM_ALLOC_ENABLE";

    /// <summary>Bytes from which an allocation is a mapping of its own.</summary>
    public const int MapThreshold = 32 << 20;

    /// <summary>Free bytes at the heap's top from which they are given back, but for <see cref="Pad"/>.</summary>
    public const int TrimThreshold = 128 << 20;

    /// <summary>Bytes that a trim leaves: the size of the heaps of which a thread's arena consists, or it would unmap the last one whenever that is empty.</summary>
    public const int Pad = 64 << 20;

    private static readonly string[] s_variables = ["MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_"];

    /// <summary>Whether malloc is left to us: no variable of mallopt(3) says how it should be.</summary>
    /// <param name="variable">Looks up an environment variable.</param>
    public static bool IsWanted(Func<string, string?> variable) =>
        Array.TrueForAll(s_variables, name => string.IsNullOrEmpty(variable(name)))
        && variable("GLIBC_TUNABLES")?.Contains("glibc.malloc.", StringComparison.Ordinal) != true;

    /// <summary>Sets them; false where malloc refuses, which costs speed only.</summary>
    public static bool TryApply()
    {
        // Any of these ends the sliding of the mapping threshold, from 128 KiB on, so that one is set first.
        return NativeMethods.SetMalloc(NativeMethods.MallocMapThreshold, MapThreshold) != 0
            && NativeMethods.SetMalloc(NativeMethods.MallocTrimThreshold, TrimThreshold) != 0
            && NativeMethods.SetMalloc(NativeMethods.MallocTopPad, Pad) != 0;
    }
}
