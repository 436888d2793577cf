using Apache.Arrow;
using Microsoft.ML;

namespace Gristmill.Engines.MLNet;

/// <summary>
/// Reads one column's values out of Arrow arrays for ML.NET's getters. One cursor, one reader: not safe for several
/// threads.
/// </summary>
internal abstract class ColumnReader : IDisposable
{
    private int _offset;
    private PinnedValues<byte>? _validity;

    /// <summary>The type its getter gives.</summary>
    internal abstract Type ValueType { get; }

    /// <summary>Bytes that had to be decoded, not viewed; counted when the cursor ends.</summary>
    internal long Copied { get; set; }

    /// <summary>Takes the array of another batch.</summary>
    internal void Bind(IArrowArray array)
    {
        _offset = array.Offset;
        if (array.NullCount != 0 && array.Data.Buffers[0].Length > 0)
        {
            (_validity ??= new PinnedValues<byte>()).Bind(array.Data.Buffers[0].Memory, 0, array.Data.Buffers[0].Length);
        }
        else
        {
            _validity?.Dispose();
            _validity = null;
        }

        BindValues(array);
    }

    /// <summary>A ValueGetter of <see cref="ValueType"/>.</summary>
    internal abstract Delegate Getter(RowState state);

    /// <summary>Whether the values lie in memory that a test holds.</summary>
    internal virtual bool LiesIn(Func<nint, int, bool> owns) => false;

    public void Dispose()
    {
        _validity?.Dispose();
        _validity = null;
        Release();
    }

    protected abstract void BindValues(IArrowArray array);

    protected abstract void Release();

    protected bool IsNull(int row)
    {
        if (_validity is not { } bits)
        {
            return false;
        }

        var at = row + _offset;
        return (bits[at >> 3] & (1 << (at & 7))) == 0;
    }
}

/// <summary>A reader whose getter gives one type.</summary>
internal abstract class ColumnReader<T> : ColumnReader
{
    internal override Type ValueType => typeof(T);

    internal override Delegate Getter(RowState state) => (ValueGetter<T>)((ref T value) => Read(state.Row, ref value));

    internal abstract void Read(int row, ref T value);
}
