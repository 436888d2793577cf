using System.Buffers;
using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Engines.Sql.Interop;

/// <summary>One array of a column's tree with the addresses of its buffers, resolved once a batch.</summary>
internal sealed unsafe class ArrowNode
{
    private readonly nint[] _buffers;

    private ArrowNode(ArrayData data, List<MemoryHandle> pins)
    {
        Length = data.Length;
        Offset = data.Offset;
        IsStruct = data.DataType.TypeId == ArrowTypeId.Struct;
        NullCount = data.Buffers.Length == 0 || data.Buffers[0].IsEmpty ? 0 : data.NullCount;

        // DuckDB takes "unknown" (-1) for "none" where an array has a dictionary.
        if (data.Dictionary is not null && NullCount < 0)
        {
            NullCount = data.GetNullCount();
        }

        _buffers = new nint[data.Buffers.Length];
        for (var i = 0; i < _buffers.Length; i++)
        {
            if (data.Buffers[i].IsEmpty)
            {
                // An empty buffer may still be looked at, such as the one offset of zero strings.
                _buffers[i] = i == 0 && data.DataType.TypeId != ArrowTypeId.Union ? 0 : ZeroBlock.Address;
                continue;
            }

            var pin = data.Buffers[i].Memory.Pin();
            pins.Add(pin);
            _buffers[i] = (nint)pin.Pointer;
        }

        if (NullCount == 0 && _buffers.Length > 1)
        {
            _buffers[0] = 0;
        }

        Children = data.Children is null ? [] : [.. data.Children.Select(child => new ArrowNode(child, pins))];
        Dictionary = data.Dictionary is null ? null : new ArrowNode(data.Dictionary, pins);
    }

    public long Length { get; }

    public long Offset { get; }

    public long NullCount { get; }

    public bool IsStruct { get; }

    public ReadOnlySpan<nint> Buffers => _buffers;

    public ArrowNode[] Children { get; }

    public ArrowNode? Dictionary { get; }

    /// <summary>Structs of this tree.</summary>
    public int NodeCount => 1 + Children.Sum(child => child.NodeCount) + (Dictionary?.NodeCount ?? 0);

    /// <summary>Pointers of this tree: buffers and children.</summary>
    public int PointerCount =>
        _buffers.Length + Children.Length + Children.Sum(child => child.PointerCount) + (Dictionary?.PointerCount ?? 0);

    /// <summary>Resolves an array; pins keep managed memory in place and cost nothing over a mapping.</summary>
    public static ArrowNode Of(ArrayData data, List<MemoryHandle> pins) => new(data, pins);
}
