using System.IO.Hashing;
using System.Text;
using Apache.Arrow;

namespace Gristmill.Objects.Statistics;

/// <summary>Texts, told apart and ordered by their bytes.</summary>
internal sealed class TextCollector : ColumnCollector
{
    private const int Seen = 1024;

    /// <summary>Texts that were looked at lately, by their hashes: those of most columns come again and again.</summary>
    private readonly ulong[] _seen = new ulong[Seen];
    private byte[]? _min;
    private byte[]? _max;

    public override void AddCounted(IArrowArray values, ReadOnlySpan<long> counts)
    {
        for (int i = 0; i < counts.Length; i++)
        {
            if (counts[i] > 0 && values.IsValid(i))
            {
                var text = Text(values, i);
                Count(Add(text), text, counts[i]);
            }
        }
    }

    protected override void AddValues(IArrowArray array, int level)
    {
        bool all = array.NullCount == 0;
        var plain = array as BinaryArray;
        ReadOnlySpan<int> offsets = plain is null ? [] : plain.ValueOffsets;
        ReadOnlySpan<byte> bytes = plain is null ? [] : plain.Values;
        int group = 0, sampled = Sampled(group, level);
        for (int i = 0; i < array.Length; i++)
        {
            if (all || array.IsValid(i))
            {
                var text = offsets.IsEmpty ? Text(array, i) : bytes[offsets[i]..offsets[i + 1]];
                ulong hash = Add(text);
                if (i == sampled)
                {
                    Count(hash, text, 1L << level);
                }
            }

            if (i >> level != (i + 1) >> level)
            {
                sampled = Sampled(++group, level);
            }
        }
    }

    protected override ColumnStatistics Describe(ColumnStatistics known) => WithCounts(known, Show) with
    {
        Min = _min is null ? null : Cut(_min),
        Max = _max is null ? null : Cut(_max),
    };

    private static ReadOnlySpan<byte> Text(IArrowArray array, int i) => array switch
    {
        BinaryArray texts => texts.GetBytes(i),
        LargeBinaryArray texts => texts.GetBytes(i),
        BinaryViewArray texts => texts.GetBytes(i),
        _ => throw new InvalidOperationException($"{array.GetType()} holds no texts."),
    };

    private ulong Add(ReadOnlySpan<byte> text)
    {
        ulong hash = Hash(text);
        ref ulong seen = ref _seen[hash & (Seen - 1)];
        if (seen == hash)
        {
            return hash; // nothing new is to be learned of it
        }

        seen = hash;
        Distinguish(hash);
        if (_min is null || text.SequenceCompareTo(_min) < 0)
        {
            _min = Kept(text);
        }

        if (_max is null || text.SequenceCompareTo(_max) > 0)
        {
            _max = Kept(text);
        }

        return hash;
    }

    /// <summary>A hash, which for texts of up to 8 bytes is made in a few instructions.</summary>
    private static ulong Hash(ReadOnlySpan<byte> text)
    {
        if (text.Length > sizeof(ulong))
        {
            return XxHash3.HashToUInt64(text);
        }

        ulong bits = 0;
        for (int i = 0; i < text.Length; i++)
        {
            bits = bits << 8 | text[i];
        }

        return Mix(bits ^ (ulong)(text.Length + 1) << 57) | 1; // 0 is nobody's
    }

    /// <summary>One byte more than is shown says that there is more.</summary>
    private static byte[] Kept(ReadOnlySpan<byte> text) => text[..Math.Min(text.Length, FrequentValues.Shown + 1)].ToArray();

    private static string Cut(byte[] kept) => Show(kept[..Math.Min(kept.Length, FrequentValues.Shown)], kept.Length > FrequentValues.Shown);

    /// <summary>A cut may go through a character, of which nothing is shown then.</summary>
    private static string Show(byte[] text, bool isCut) => isCut ? Encoding.UTF8.GetString(text).TrimEnd('\uFFFD') + "…" : Encoding.UTF8.GetString(text);
}
