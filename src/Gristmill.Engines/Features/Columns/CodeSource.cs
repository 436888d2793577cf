using Apache.Arrow;

namespace Gristmill.Engines.Features;

/// <summary>The codes of one column of one batch. Safe for many threads if its coder is.</summary>
internal sealed class CodeSource
{
    private readonly KeyCoder _coder;
    private readonly InputColumn _column;
    private readonly IArrowArray _array;
    private readonly long _rowBase;
    private readonly int[]? _dictionary;

    /// <param name="coder">Gives the codes.</param>
    /// <param name="column">The column.</param>
    /// <param name="array">Its rows.</param>
    /// <param name="rowBase">The table's row number of the first, for errors.</param>
    public CodeSource(KeyCoder coder, InputColumn column, IArrowArray array, long rowBase)
    {
        _coder = coder;
        _column = column;
        _array = array;
        _rowBase = rowBase;
        if (array is DictionaryArray dictionary)
        {
            _dictionary = new int[dictionary.Dictionary.Length];
            new CodeSource(coder, column, dictionary.Dictionary, 0).Read(0, _dictionary);
        }
    }

    /// <summary>Reads rows start .. start + codes.Length; 0 for null or unseen.</summary>
    public void Read(int start, Span<int> codes)
    {
        if (codes.IsEmpty)
        {
            return;
        }

        switch (_array)
        {
            case NullArray: codes.Clear(); break;
            case DictionaryArray a:
                DictionaryIndices.Read(a, start, codes);
                foreach (ref var code in codes)
                {
                    code = code < 0 ? 0 : _dictionary![code];
                }

                break;
            case StringArray a: Text(a, start, codes); break;
            case LargeStringArray a: Text(a, start, codes); break;
            case StringViewArray a: Text(a, start, codes); break;
            case Int8Array or Int16Array or Int32Array or Int64Array or UInt8Array or UInt16Array or UInt32Array when _column.Precision == NumberPrecision.Double:
                Whole(start, codes);
                break;
            case UInt64Array a when _column.Precision == NumberPrecision.Double: Unsigned(a, start, codes); break;
            case Date32Array or Date64Array or TimestampArray: Instants(start, codes); break;
            default: Numbers(start, codes); break;
        }
    }

    private void Text(StringArray array, int start, Span<int> codes)
    {
        var offsets = array.ValueOffsets.Slice(start, codes.Length + 1);
        var bytes = array.ValueBuffer.Span;
        var valid = new Validity(array);
        for (var i = 0; i < codes.Length; i++)
        {
            codes[i] = valid[start + i] ? _coder.OfText(bytes[offsets[i]..offsets[i + 1]]) : 0;
        }
    }

    private void Text(LargeStringArray array, int start, Span<int> codes)
    {
        var valid = new Validity(array);
        for (var i = 0; i < codes.Length; i++)
        {
            codes[i] = valid[start + i] ? _coder.OfText(array.GetBytes(start + i)) : 0;
        }
    }

    private void Text(StringViewArray array, int start, Span<int> codes)
    {
        var valid = new Validity(array);
        for (var i = 0; i < codes.Length; i++)
        {
            codes[i] = valid[start + i] ? _coder.OfText(array.GetBytes(start + i)) : 0;
        }
    }

    private void Whole(int start, Span<int> codes)
    {
        switch (_array)
        {
            case Int8Array a: Whole(a.Values, start, codes); break;
            case Int16Array a: Whole(a.Values, start, codes); break;
            case Int32Array a: Whole(a.Values, start, codes); break;
            case Int64Array a: Whole(a.Values, start, codes); break;
            case UInt8Array a: Whole(a.Values, start, codes); break;
            case UInt16Array a: Whole(a.Values, start, codes); break;
            case UInt32Array a: Whole(a.Values, start, codes); break;
            default: throw new InvalidOperationException("Not a whole number column.");
        }
    }

    private void Whole<T>(ReadOnlySpan<T> values, int start, Span<int> codes)
        where T : struct, System.Numerics.IBinaryInteger<T>
    {
        var valid = new Validity(_array);
        for (var i = 0; i < codes.Length; i++)
        {
            codes[i] = valid[start + i] ? _coder.OfNumber(new NumberKey(long.CreateTruncating(values[start + i]), false)) : 0;
        }
    }

    private void Unsigned(UInt64Array array, int start, Span<int> codes)
    {
        var values = array.Values;
        var valid = new Validity(array);
        for (var i = 0; i < codes.Length; i++)
        {
            var value = values[start + i];
            codes[i] = !valid[start + i] ? 0
                : _coder.OfNumber(value <= long.MaxValue ? new NumberKey((long)value, false) : NumberKey.Of(value));
        }
    }

    private void Instants(int start, Span<int> codes)
    {
        Span<long> micros = stackalloc long[Math.Min(codes.Length, Block.Rows)];
        for (var done = 0; done < codes.Length; done += Block.Rows)
        {
            var part = micros[..Math.Min(Block.Rows, codes.Length - done)];
            TimeReader.Read(_array, _column, start + done, part, _rowBase);
            for (var i = 0; i < part.Length; i++)
            {
                codes[done + i] = part[i] == TimeReader.Missing ? 0 : _coder.OfNumber(new NumberKey(part[i], false));
            }
        }
    }

    private void Numbers(int start, Span<int> codes)
    {
        Span<double> numbers = stackalloc double[Math.Min(codes.Length, Block.Rows)];
        for (var done = 0; done < codes.Length; done += Block.Rows)
        {
            var part = numbers[..Math.Min(Block.Rows, codes.Length - done)];
            NumberReader.Read(_array, _column, start + done, part);
            for (var i = 0; i < part.Length; i++)
            {
                codes[done + i] = double.IsNaN(part[i]) ? 0 : _coder.OfNumber(NumberKey.Of(part[i]));
            }
        }
    }
}

/// <summary>How many rows loops take at once: small enough that a block's columns and matrix rows stay in the first-level caches.</summary>
internal static class Block
{
    public const int Rows = 1024;
}
