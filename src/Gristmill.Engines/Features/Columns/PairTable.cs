namespace Gristmill.Engines.Features;

/// <summary>
/// Distinct pairs of codes with ids 1, 2, ... in order of addition: open addressing with linear probing at a load of at most one half.
/// A Dictionary of the two in one ulong would hash them to their exclusive or, which for codes of two columns are few values.
/// Safe for many readers; additions are not.
/// </summary>
internal sealed class PairTable
{
    private ulong[] _pairs = new ulong[16];
    private int[] _ids = new int[16];

    public int Count { get; private set; }

    /// <summary>The id, or 0 if unseen or a part is 0.</summary>
    public int Find(int key, int code) => key == 0 || code == 0 ? 0 : _ids[SlotOf(Pair(key, code))];

    /// <summary>The id of a pair, added if it is new; 0 if a part is 0.</summary>
    public int GetOrAdd(int key, int code)
    {
        if (key == 0 || code == 0)
        {
            return 0;
        }

        var pair = Pair(key, code);
        var slot = SlotOf(pair);
        if (_ids[slot] != 0)
        {
            return _ids[slot];
        }

        if ((Count + 1) * 2 > _ids.Length)
        {
            Grow();
            slot = SlotOf(pair);
        }

        _pairs[slot] = pair;
        return _ids[slot] = ++Count;
    }

    /// <summary>Key and code of each id, in the order of ids.</summary>
    public (int Key, int Code)[] ToArray()
    {
        var all = new (int, int)[Count];
        for (var slot = 0; slot < _ids.Length; slot++)
        {
            if (_ids[slot] != 0)
            {
                all[_ids[slot] - 1] = ((int)(_pairs[slot] >> 32), (int)(uint)_pairs[slot]);
            }
        }

        return all;
    }

    private static ulong Pair(int key, int code) => ((ulong)(uint)key << 32) | (uint)code;

    private int SlotOf(ulong pair)
    {
        var mask = _ids.Length - 1;

        // The finaliser of MurmurHash3: every bit of the pair moves every bit of the slot.
        var hash = (pair ^ (pair >> 33)) * 0xFF51AFD7ED558CCD;
        hash = (hash ^ (hash >> 33)) * 0xC4CEB9FE1A85EC53;
        for (var slot = (int)(hash >> 33) & mask; ; slot = (slot + 1) & mask)
        {
            if (_ids[slot] == 0 || _pairs[slot] == pair)
            {
                return slot;
            }
        }
    }

    private void Grow()
    {
        var (pairs, ids) = (_pairs, _ids);
        _pairs = new ulong[pairs.Length * 2];
        _ids = new int[ids.Length * 2];
        for (var i = 0; i < ids.Length; i++)
        {
            if (ids[i] != 0)
            {
                var slot = SlotOf(pairs[i]);
                (_pairs[slot], _ids[slot]) = (pairs[i], ids[i]);
            }
        }
    }
}
