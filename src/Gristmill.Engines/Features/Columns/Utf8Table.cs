using System.IO.Hashing;

namespace Gristmill.Engines.Features;

/// <summary>
/// Distinct UTF-8 strings with ids 0, 1, ... in order of addition: open addressing with linear probing at a load of at most one half,
/// found by bytes without making a string. Safe for many readers; additions are not.
/// </summary>
internal sealed class Utf8Table
{
    // Seeded per process, so that nobody can send values made to collide.
    private static readonly long Seed = Random.Shared.NextInt64();

    private int[] _slots = new int[16];
    private ulong[] _hashes = new ulong[8];
    private int[] _ends = new int[8];
    private byte[] _bytes = new byte[128];

    public int Count { get; private set; }

    public ReadOnlySpan<byte> this[int id]
    {
        get
        {
            var start = id == 0 ? 0 : _ends[id - 1];
            return _bytes.AsSpan(start, _ends[id] - start);
        }
    }

    /// <summary>The id, or -1.</summary>
    public int Find(ReadOnlySpan<byte> key)
    {
        var hash = XxHash3.HashToUInt64(key, Seed);
        var mask = _slots.Length - 1;
        for (var slot = (int)hash & mask; ; slot = (slot + 1) & mask)
        {
            var id = _slots[slot] - 1;
            if (id < 0 || (_hashes[id] == hash && this[id].SequenceEqual(key)))
            {
                return id;
            }
        }
    }

    public int GetOrAdd(ReadOnlySpan<byte> key)
    {
        var found = Find(key);
        if (found >= 0)
        {
            return found;
        }

        var id = Count++;
        var start = id == 0 ? 0 : _ends[id - 1];
        if (id == _ends.Length)
        {
            Array.Resize(ref _ends, id * 2);
            Array.Resize(ref _hashes, id * 2);
        }

        var end = checked(start + key.Length);
        if (end > _bytes.Length)
        {
            Array.Resize(ref _bytes, (int)Math.Max(end, Math.Min(_bytes.Length * 2L, Array.MaxLength)));
        }

        key.CopyTo(_bytes.AsSpan(start));
        _ends[id] = end;
        _hashes[id] = XxHash3.HashToUInt64(key, Seed);
        if (Count * 2 > _slots.Length)
        {
            _slots = new int[_slots.Length * 2];
            for (var i = 0; i < Count; i++)
            {
                Insert(i);
            }
        }
        else
        {
            Insert(id);
        }

        return id;
    }

    private void Insert(int id)
    {
        var mask = _slots.Length - 1;
        var slot = (int)_hashes[id] & mask;
        while (_slots[slot] != 0)
        {
            slot = (slot + 1) & mask;
        }

        _slots[slot] = id + 1;
    }
}
