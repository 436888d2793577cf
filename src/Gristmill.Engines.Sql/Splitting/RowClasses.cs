using System.Runtime.InteropServices;

namespace Gristmill.Engines.Sql.Splitting;

/// <summary>Rows by their class, classes numbered in the order in which they appear.</summary>
internal sealed class RowClasses
{
    private readonly Dictionary<ulong, int> _codes = [];
    private readonly List<long> _sizes = [];
    private readonly ulong[]? _keys;

    /// <summary>All rows in one class.</summary>
    public RowClasses(long rows)
    {
        Rows = rows;
        _sizes.Add(rows);
    }

    /// <param name="keys">The class of each row, as any number of its own.</param>
    public RowClasses(ulong[] keys)
    {
        Rows = keys.Length;
        _keys = keys;
        foreach (var key in keys)
        {
            ref var code = ref CollectionsMarshal.GetValueRefOrAddDefault(_codes, key, out var known);
            if (!known)
            {
                code = _sizes.Count;
                _sizes.Add(0);
            }

            _sizes[code]++;
        }
    }

    public long Rows { get; }

    /// <summary>Rows of each class.</summary>
    public IReadOnlyList<long> Sizes => _sizes;

    /// <summary>The class of a row.</summary>
    public int Of(long row) => _keys is null ? 0 : _codes[_keys[row]];

    /// <summary>What a class was told apart by; null where there is but one.</summary>
    public ulong? KeyOf(int code) => _keys is null ? null : _codes.First(item => item.Value == code).Key;
}
