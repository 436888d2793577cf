using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Gristmill.Engines.Sql.Interop;

/// <summary>
/// A reusable ArrowArray tree over some columns of one batch, narrowed to a range of rows for each call. The structs
/// belong to this object; the data to the segment. DuckDB copies the top struct and releases its copy when no vector
/// needs it any more, so releasing counts and frees nothing. Not safe for several threads.
/// </summary>
internal sealed unsafe class ArrowSlice : IDisposable
{
    private static long s_live;
    private void* _block;
    private ArrowArrayStruct* _top;

    /// <summary>Arrays handed to DuckDB and not released yet, in this process.</summary>
    public static long Live => Interlocked.Read(ref s_live);

    /// <summary>The batch it is over, or -1.</summary>
    public int Batch { get; private set; } = -1;

    /// <summary>Lays the tree out over columns of a batch.</summary>
    public void Bind(int batch, ReadOnlySpan<ArrowNode> columns)
    {
        Free();
        var nodes = 1;
        var pointers = 1 + columns.Length;
        foreach (var column in columns)
        {
            nodes += column.NodeCount;
            pointers += column.PointerCount;
        }

        _block = NativeMemory.AllocZeroed((nuint)((nodes * sizeof(ArrowArrayStruct)) + (pointers * sizeof(void*))));
        var layout = new Layout { Node = (ArrowArrayStruct*)_block, Pointer = (void**)((ArrowArrayStruct*)_block + nodes) };
        _top = layout.Node++;
        _top->BufferCount = 1;
        _top->Buffers = layout.Take(1);
        _top->ChildCount = columns.Length;
        _top->Children = (ArrowArrayStruct**)layout.Take(columns.Length);
        for (var i = 0; i < columns.Length; i++)
        {
            _top->Children[i] = layout.Place(columns[i]);
        }

        Batch = batch;
    }

    /// <summary>The tree narrowed to rows [start, start + count) of the batch.</summary>
    /// <param name="columns">Those it is bound to.</param>
    /// <param name="start">First row.</param>
    /// <param name="count">Rows.</param>
    /// <param name="block">Handle of a <see cref="StreamBlock"/> that is told when no vector needs it any more; 0: nobody.</param>
    public ArrowArrayStruct* Narrow(ReadOnlySpan<ArrowNode> columns, long start, long count, nint block = 0)
    {
        _top->Length = count;
        _top->Release = &Release;
        _top->PrivateData = (void*)block;
        for (var i = 0; i < columns.Length; i++)
        {
            var column = _top->Children[i];
            column->Offset = columns[i].Offset + start;
            column->Length = count;
            if (columns[i].IsStruct)
            {
                MoveFields(column, columns[i], column->Offset);
            }
        }

        Interlocked.Increment(ref s_live);
        return _top;
    }

    /// <summary>Takes the array back if DuckDB did not take it over.</summary>
    public void Reclaim()
    {
        if (_top->Release != null)
        {
            Done(_top);
        }
    }

    public void Dispose() => Free();

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Release(ArrowArrayStruct* array) => Done(array);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void ReleaseChild(ArrowArrayStruct* array) => array->Release = null;

    private static void Done(ArrowArrayStruct* array)
    {
        array->Release = null;
        Interlocked.Decrement(ref s_live);
        if (array->PrivateData is not null)
        {
            StreamBlock.Release((nint)array->PrivateData);
        }
    }

    /// <summary>
    /// DuckDB adds to a field's offset that of the struct it is in, but not those of the structs around that one: each
    /// field gets what is missing to the row it has to start at.
    /// </summary>
    private static void MoveFields(ArrowArrayStruct* parent, ArrowNode node, long start)
    {
        for (var i = 0; i < node.Children.Length; i++)
        {
            var field = parent->Children[i];
            field->Offset = start + node.Children[i].Offset - parent->Offset;
            if (node.Children[i].IsStruct)
            {
                MoveFields(field, node.Children[i], start + node.Children[i].Offset);
            }
        }
    }

    private void Free()
    {
        NativeMemory.Free(_block);
        _block = null;
        _top = null;
        Batch = -1;
    }

    private ref struct Layout
    {
        public ArrowArrayStruct* Node;
        public void** Pointer;

        public void** Take(int count)
        {
            var taken = Pointer;
            Pointer += count;
            return taken;
        }

        public ArrowArrayStruct* Place(ArrowNode node)
        {
            var placed = Node++;
            placed->Length = node.Length;
            placed->Offset = node.Offset;
            placed->NullCount = node.NullCount;
            placed->BufferCount = node.Buffers.Length;
            placed->Buffers = Take(node.Buffers.Length);
            placed->Release = &ReleaseChild;
            for (var i = 0; i < node.Buffers.Length; i++)
            {
                placed->Buffers[i] = (void*)node.Buffers[i];
            }

            placed->ChildCount = node.Children.Length;
            placed->Children = (ArrowArrayStruct**)Take(node.Children.Length);
            for (var i = 0; i < node.Children.Length; i++)
            {
                placed->Children[i] = Place(node.Children[i]);
            }

            placed->Dictionary = node.Dictionary is null ? null : Place(node.Dictionary);
            return placed;
        }
    }
}
