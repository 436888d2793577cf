using System.Globalization;

namespace Gristmill;

/// <summary>Which part of the cache holds a key: keys are digests, so they spread evenly, and a write rewrites one part alone.</summary>
public static class StageCacheShards
{
    private const int Count = 64;

    /// <summary>The keys of all parts.</summary>
    public static IReadOnlyList<string> All { get; } = [.. Enumerable.Range(0, Count).Select(Name)];

    /// <summary>The part that holds a key.</summary>
    /// <param name="key">64 hexadecimal digits.</param>
    public static string Of(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return Name(int.Parse(key.AsSpan(0, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture) % Count);
    }

    private static string Name(int shard) => shard.ToString("x2", CultureInfo.InvariantCulture);
}
