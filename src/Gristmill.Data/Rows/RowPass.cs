using Apache.Arrow;
using Gristmill.Data.Execution;
using Gristmill.Data.Interop;

namespace Gristmill.Data.Rows;

/// <summary>What reading rows of a chain from blocks has in common, whatever becomes of them: columns are bound, checked, and failures explained.</summary>
internal sealed class RowReading
{
    private readonly RowChain _chain;
    private readonly IReadOnlyList<BoundColumn> _columns;
    private readonly CancellationToken _cancellationToken;

    public RowReading(RowChain chain, Schema schema, CancellationToken cancellationToken)
    {
        (_chain, _cancellationToken) = (chain, cancellationToken);
        _columns = RowBinding.Bind(RowShape.Of(chain.Input), schema);
    }

    public IReadOnlyList<BoundColumn> Columns => _columns;

    /// <summary>The readers of one worker.</summary>
    public ColumnReader?[] Open() => [.. _columns.Select(static column => column.Fit?.Make())];

    /// <summary>Runs a loop over a block; outputs are the names of the columns that it writes.</summary>
    public TState Run<TState>(RowLoop<TState> loop, Block block, ColumnReader?[] readers, ColumnBuilder[] builders, Delegate[] functions, TState state, IReadOnlyList<string> outputs)
    {
        var place = new LoopPlace();
        try
        {
            for (var i = 0; i < readers.Length; i++)
            {
                if (readers[i] is { } reader)
                {
                    reader.Bind(block.Batch.Column(_columns[i].Column).Data);
                    Check(reader, _columns[i], block);
                }
            }

            return loop(readers, builders, functions, place, block.Rows, state);
        }
        catch (OperationCanceledException) when (_cancellationToken.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception e) when (e is not GristmillException { Code: ErrorCodes.BadValue } || place.Step > 0)
        {
            throw Explain(e, block.Number(place.Row), place.Step, outputs);
        }
        finally
        {
            foreach (var reader in readers)
            {
                reader?.Unbind();
            }
        }
    }

    private static void Check(ColumnReader reader, BoundColumn column, Block block)
    {
        if (!column.Member.TakesNull && reader.NullCount > 0)
        {
            throw BadValue(block.Number(reader.FirstNull(block.Rows)), column.Name, "there is no value (null), and the member of the row type takes none",
                "Declare it nullable, or leave such rows out in SQL before.");
        }

        if (column.Fit!.Check?.Invoke(reader, block.Rows) is >= 0 and var row)
        {
            throw BadValue(block.Number(row), column.Name, $"the value does not fit {RowChain.Name(column.Member.Type)}", "Declare a wider type.");
        }
    }

    private GristmillException Explain(Exception e, long row, int step, IReadOnlyList<string> outputs) =>
        step < 0 ? BadValue(row, _columns[-1 - step].Name, $"the value is no {RowChain.Name(_columns[-1 - step].Member.Core)}: {e.Message}", "Correct it, or declare the member as text.", e)
        : step == 0 || step > _chain.Steps.Count + outputs.Count ? new GristmillException(ErrorCodes.StageFailed, FormattableString.Invariant($"Row {row}: {e.GetType().Name}: {e.Message}"), inner: e)
        : step > _chain.Steps.Count && outputs.Count > 0 ? BadValue(row, outputs[step - _chain.Steps.Count - 1], $"the value cannot be written: {e.Message}", "For decimals, [Column(TypeName = \"decimal(38, 12)\")] says how many digits there are.", e)
        : new GristmillException(ErrorCodes.StageFailed, FormattableString.Invariant($"Row {row}, {_chain.Name(step - 1)}: {e.GetType().Name}: {e.Message}"),
                "Rows are counted from 0, as they come to the first function of the pass.", e)
            .With("row", Number(row)).With("step", _chain.Name(step - 1));

    private static GristmillException BadValue(long row, string column, string what, string hint, Exception? inner = null) =>
        new GristmillException(ErrorCodes.BadValue, FormattableString.Invariant($"Row {row}, column '{column}': {what}."), hint, inner).With("row", Number(row)).With("column", column);

    private static string Number(long row) => row.ToString(System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>A chain that makes blocks of blocks.</summary>
internal sealed class RowPass : BlockStep
{
    private readonly FlowMemory _memory;
    private readonly RowReading _reading;
    private readonly RowLoop<int> _loop;
    private readonly Delegate[] _functions;
    private readonly IReadOnlyList<(RowMember Member, ValueFit Fit)> _outputs;
    private readonly string[] _names;

    public RowPass(RowChain chain, Schema schema, FlowMemory memory, CancellationToken cancellationToken)
    {
        _memory = memory;
        _reading = new RowReading(chain, schema, cancellationToken);
        _functions = [.. chain.Steps.Select(static step => step.Function)];
        _outputs = Outputs(chain.Output);
        _names = [.. _outputs.Select(static output => output.Member.Column ?? output.Member.Name)];
        Schema = new Schema(_outputs.Select((output, i) => new Field(_names[i], output.Fit.Type, !output.Member.Type.IsValueType || output.Member.TakesNull)), null);
        _loop = RowLoopBuilder.Write(chain, _reading.Columns, _outputs);
    }

    public override Schema Schema { get; }

    /// <summary>Columns of a row type.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.TypeMismatch"/>: a member has a type that no column has; <see cref="ErrorCodes.Invalid"/>: there is no member.</exception>
    public static IReadOnlyList<(RowMember Member, ValueFit Fit)> Outputs(Type type)
    {
        var outputs = RowShape.Of(type).Outputs.Select(member => (member, ValueFit.Of(member) ?? throw new GristmillException(ErrorCodes.TypeMismatch,
            $"{RowChain.Name(type)}.{member.Name} is {RowChain.Name(member.Type)}, which no column can hold.",
            "Use numbers, bool, text, dates, times, Guid, enums, bytes, or arrays of numbers.").With("column", member.Name))).ToList();
        return outputs.Count > 0 ? outputs
            : throw new GristmillException(ErrorCodes.Invalid, $"{RowChain.Name(type)} has no public properties, so its rows have no columns.", "Use a record, such as record struct Late(bool IsLate, double Distance).");
    }

    public override Func<Block, Block> Open()
    {
        var readers = _reading.Open();
        ColumnBuilder[] builders = [.. _outputs.Select(static output => output.Fit.Make())];
        return block =>
        {
            var memory = new BlockMemory(_memory);
            try
            {
                foreach (var builder in builders)
                {
                    builder.Begin(memory, block.Rows);
                }

                var rows = _reading.Run(_loop, block, readers, builders, _functions, 0, _names);
                var made = new RecordBatch(Schema, builders.Select(builder => builder.Build(rows)), rows);
                block.Release();
                return new Block(made, memory);
            }
            catch
            {
                memory.Release();
                block.Release();
                throw;
            }
        };
    }
}
