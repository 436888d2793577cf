using Apache.Arrow;
using Gristmill.Data.Execution;
using Gristmill.Data.Interop;

namespace Gristmill.Data.Sources;

/// <summary>A source that gives row after row: they are gathered into blocks of bounded memory.</summary>
internal abstract class RowStage(FlowRun run) : Stage
{
    private Schema? _schema;

    public override Schema Schema => _schema!;

    protected FlowRun Run => run;

    /// <summary>Rows of the blocks so far.</summary>
    protected long Rows { get; private set; }

    /// <summary>What makes the columns; set before a block is asked for.</summary>
    protected IReadOnlyList<ColumnBuilder> Builders { get; private set; } = [];

    /// <summary>Says what the columns are.</summary>
    protected void Begin(IEnumerable<string> names, IReadOnlyList<ColumnBuilder> builders)
    {
        Builders = builders;
        _schema = new Schema([.. names.Select((name, i) => new Field(name, builders[i].Type, nullable: true))], null);
    }

    protected override Block? Next()
    {
        run.Token.ThrowIfCancellationRequested();
        var memory = new BlockMemory(run.Memory);
        try
        {
            foreach (var builder in Builders)
            {
                builder.Begin(memory, BlockSize.Rows);
            }

            var (rows, bytes) = (0, 0L);
            while (rows < BlockSize.Rows && bytes < run.Shares.Block && Row(rows) is >= 0 and var taken)
            {
                bytes += taken;
                rows++;
            }

            Rows += rows;
            Gathered(rows);
            if (rows > 0)
            {
                return new Block(new RecordBatch(Schema, [.. Builders.Select(builder => builder.Build(rows))], rows), memory);
            }

            memory.Release();
            return null;
        }
        catch
        {
            memory.Release();
            throw;
        }
    }

    /// <summary>Takes the next row.</summary>
    /// <param name="row">Its number in the block.</param>
    /// <returns>Its bytes; -1: there is none, now and ever after.</returns>
    protected abstract long Row(int row);

    /// <summary>A block is gathered, of so many rows; 0: there are no more.</summary>
    protected virtual void Gathered(int rows)
    {
    }
}
