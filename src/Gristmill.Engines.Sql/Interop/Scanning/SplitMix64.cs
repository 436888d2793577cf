namespace Gristmill.Engines.Sql.Interop;

/// <summary>SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).</summary>
internal static class SplitMix64
{
    /// <summary>64 random bits of a state; neighbouring states give unrelated ones.</summary>
    public static ulong Mix(ulong state)
    {
        var z = state + 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
