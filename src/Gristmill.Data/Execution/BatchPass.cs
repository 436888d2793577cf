using Apache.Arrow;
using Gristmill.Data.Interop;
using Gristmill.Data.Planning;
using Gristmill.Data.Sources;

namespace Gristmill.Data.Execution;

/// <summary>A user's function of whole batches.</summary>
internal sealed class BatchPass : BlockStep
{
    private readonly Func<RecordBatch, RecordBatch> _map;
    private readonly FlowMemory _memory;
    private readonly CancellationToken _cancellationToken;
    private readonly string[] _types;

    public BatchPass(Func<RecordBatch, RecordBatch> map, Schema input, FlowMemory memory, CancellationToken cancellationToken)
    {
        (_map, _memory, _cancellationToken) = (map, memory, cancellationToken);
        try
        {
            Schema = map(EmptyBatch.Of(input)).Schema;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw new GristmillException(ErrorCodes.StageFailed, $"The map of batches failed with a batch without rows: {e.GetType().Name}: {e.Message}",
                "It is asked once with no rows, to learn the columns of its result.", e).With("step", "map of batches");
        }

        _types = [.. Schema.FieldsList.Select(Text)];
    }

    public override Schema Schema { get; }

    public override Func<Block, Block> Open() => block =>
    {
        RecordBatch made;
        try
        {
            made = _map(block.Batch);
        }
        catch (OperationCanceledException) when (_cancellationToken.IsCancellationRequested)
        {
            block.Release();
            throw;
        }
        catch (Exception e)
        {
            var first = block.Number(0);
            block.Release();
            throw new GristmillException(ErrorCodes.StageFailed, FormattableString.Invariant($"Rows {first} to {first + block.Rows - 1}, map of batches: {e.GetType().Name}: {e.Message}"), inner: e)
                .With("row", first.ToString(System.Globalization.CultureInfo.InvariantCulture)).With("step", "map of batches");
        }

        if (!_types.SequenceEqual(made.Schema.FieldsList.Select(Text)) || made.Arrays.Any(array => array.Length != made.Length))
        {
            block.Release();
            throw new GristmillException(ErrorCodes.TypeMismatch,
                $"The map of batches gives the columns {string.Join(", ", made.Schema.FieldsList.Select(Text))}, and gave {string.Join(", ", _types)} for a batch without rows.",
                "Give the same columns, each with as many values as the batch has rows, whatever the rows are.").With("step", "map of batches");
        }

        // Its columns may be those of the block, or lie in memory of the function's own.
        return new Block(made, null, block, new ForeignBytes(_memory, Bytes(made, block.Batch)));
    };

    private static string Text(Field field) => $"{field.Name} {SchemaChange.Text(field.DataType)}";

    /// <summary>Bytes of what was made that do not lie in the batch it was made of.</summary>
    private static long Bytes(RecordBatch made, RecordBatch source)
    {
        var known = Buffers(source).ToHashSet();
        return Buffers(made).Where(known.Add).Sum(static buffer => (long)buffer.Length);
    }

    private static IEnumerable<ReadOnlyMemory<byte>> Buffers(RecordBatch batch) => batch.Arrays.SelectMany(static array => Buffers(array.Data));

    private static IEnumerable<ReadOnlyMemory<byte>> Buffers(ArrayData data) =>
        data.Buffers.Where(static buffer => !buffer.IsEmpty).Select(static buffer => buffer.Memory).Concat((data.Children ?? []).SelectMany(Buffers));
}
