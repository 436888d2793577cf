using Apache.Arrow;

namespace Gristmill.Engines.Features;

/// <summary>The validity bitmap of an array, reduced to what loops need.</summary>
internal readonly ref struct Validity
{
    private readonly ReadOnlySpan<byte> _bits;
    private readonly int _offset;

    public Validity(IArrowArray array)
    {
        AllNull = array.Data.DataType.TypeId == Apache.Arrow.Types.ArrowTypeId.Null;
        AllValid = !AllNull && array.NullCount == 0;
        _offset = array.Offset;
        if (!AllValid && !AllNull)
        {
            _bits = array.Data.Buffers[0].Span;
        }
    }

    public bool AllValid { get; }

    public bool AllNull { get; }

    /// <summary>Whether row i of the array (not of its buffer) has a value.</summary>
    public bool this[int i]
    {
        get
        {
            var bit = i + _offset;
            return AllValid || (!AllNull && ((_bits[bit >> 3] >> (bit & 7)) & 1) != 0);
        }
    }
}
