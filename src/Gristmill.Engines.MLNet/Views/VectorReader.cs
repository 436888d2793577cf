using System.Numerics;
using Apache.Arrow;
using Microsoft.ML.Data;

namespace Gristmill.Engines.MLNet;

/// <summary>Lists of numbers as dense vectors. A null list is empty, or all NaN where the length is fixed.</summary>
/// <param name="items">Reads the lists' items.</param>
/// <param name="size">The fixed length, or 0.</param>
internal sealed class VectorReader<TOut>(ColumnReader<TOut> items, int size) : ColumnReader<VBuffer<TOut>>
    where TOut : unmanaged, INumber<TOut>
{
    private readonly PinnedValues<int> _offsets = new();
    private readonly PinnedValues<long> _largeOffsets = new();
    private int _fixed;
    private int _first;
    private bool _large;

    internal override void Read(int row, ref VBuffer<TOut> value)
    {
        int start, count;
        if (_fixed > 0)
        {
            (start, count) = ((_first + row) * _fixed, _fixed);
        }
        else if (_large)
        {
            start = checked((int)_largeOffsets[row]);
            count = checked((int)_largeOffsets[row + 1]) - start;
        }
        else
        {
            start = _offsets[row];
            count = _offsets[row + 1] - start;
        }

        var missing = IsNull(row);
        if (size > 0 && !missing && count != size)
        {
            throw new GristmillException(ErrorCodes.TypeMismatch, $"A list has {count} items where {size} are needed.");
        }

        count = missing ? size : count;
        var editor = VBufferEditor.Create(ref value, count);
        for (var i = 0; i < count; i++)
        {
            if (missing)
            {
                editor.Values[i] = TOut.CreateSaturating(double.NaN);
            }
            else
            {
                items.Read(start + i, ref editor.Values[i]);
            }
        }

        value = editor.Commit();
    }

    internal override bool LiesIn(Func<nint, int, bool> owns) => items.LiesIn(owns);

    protected override void BindValues(IArrowArray array)
    {
        switch (array)
        {
            case FixedSizeListArray list:
                _fixed = ((Apache.Arrow.Types.FixedSizeListType)list.Data.DataType).ListSize;
                _first = list.Offset;
                items.Bind(ArrowArrayFactory.BuildArray(list.Data.Children[0]));
                break;
            case ListArray list:
                (_fixed, _large) = (0, false);
                _offsets.Bind(list.ValueOffsetsBuffer.Memory, list.Offset, list.Length == 0 ? 0 : list.Length + 1);
                items.Bind(list.Values);
                break;
            case LargeListArray list:
                (_fixed, _large) = (0, true);
                _largeOffsets.Bind(list.ValueOffsetsBuffer.Memory, list.Offset, list.Length == 0 ? 0 : list.Length + 1);
                items.Bind(list.Values);
                break;
        }
    }

    protected override void Release()
    {
        _offsets.Dispose();
        _largeOffsets.Dispose();
        items.Dispose();
    }
}
