using Apache.Arrow;
using Gristmill.Data.Execution;
using Gristmill.Data.Rows;
using Gristmill.Data.Sources;
using Gristmill.Data.Sources.Avro;
using Gristmill.Data.Sources.Images;
using Gristmill.Engines.Sql.Sessions;

namespace Gristmill.Data.Planning;

/// <summary>
/// Makes the stages of a run: what DuckDB does in a row is one query, and what C# does in a row is one pass. All columns are bound before a row is read.
/// </summary>
internal sealed class FlowCompiler(FlowRun run)
{
    /// <summary>How the memory is to be divided.</summary>
    /// <param name="node">The last step.</param>
    /// <param name="options">What the flow may use.</param>
    /// <param name="writesSql">Whether DuckDB takes the result too.</param>
    public static MemoryShares Shares(FlowNode node, FlowOptions options, bool writesSql)
    {
        var (databases, maps) = (writesSql && !node.IsSql(options.BaseDirectory) ? 1 : 0, 0);
        Count(node, false);
        return MemoryShares.Of(options.MemoryLimit, databases, maps, options.Workers);

        void Count(FlowNode at, bool inQuery)
        {
            var sql = at.IsSql(options.BaseDirectory);
            databases += sql && !inQuery ? 1 : 0;
            databases += at is FilesNode { Read.IsRemote: true } files && files.Read.IsFormatOfSql(options.BaseDirectory) ? 1 : 0;
            maps += at is RowsNode or BlocksNode or SourceNode || IsDecoded(at, options.BaseDirectory) ? 1 : 0;
            foreach (var input in at.Inputs)
            {
                Count(input, sql);
            }
        }
    }

    /// <summary>The stage of a step, with those before it.</summary>
    public Stage Stage(FlowNode node)
    {
        switch (node)
        {
            case BatchesNode batches:
                var (schema, rows, owner) = batches.Open();
                if (owner is not null)
                {
                    run.Own(owner);
                }

                return new BatchStage(run, schema, rows);
            case FilesNode packed when IsDecoded(node, run.Options.BaseDirectory):
                return new MapStage(run, Decoded(packed.Read), []);
            case FilesNode files when !files.IsSql(run.Options.BaseDirectory):
                return files.Read.Format(run.Options.BaseDirectory) switch
                {
                    FileFormat.Arrow => new ArrowFileStage(run, files.Read),
                    FileFormat.Text => new TextFileStage(run, files.Read),
                    FileFormat.Image => new ImageStage(run, files.Read),
                    FileFormat.Idx => new IdxFileStage(run, files.Read),
                    _ => SqlFileStage.Open(run, files.Read),
                };
            case SourceNode source:
                var opened = source.Open(run);
                return opened is StageSource one ? one.Stage : new MapStage(run, opened, []);
            case RowsNode or BlocksNode:
                var steps = InPass(node);
                var input = Input(steps[0].Inputs.First(), steps[0] is RowsNode first ? first.Chain : null);
                return new MapStage(run, input, Passes(steps, input.Schema));
            default:
                return new SqlStage(run, new SqlUnit(run, this, node), static text => text);
        }
    }

    /// <summary>The steps in C# that end with one, in order, and the stage before them.</summary>
    public (WorkSource Input, IReadOnlyList<BlockStep> Steps, RowsNode Last) Gathered(RowsNode node)
    {
        var steps = InPass(node);
        var input = Input(steps[0].Inputs.First(), steps[0] is RowsNode first ? first.Chain : null);
        return (input, Passes(steps[..^1], input.Schema), node);
    }

    /// <summary>Whether one thread reads files as they are, and the workers decode them.</summary>
    private static bool IsDecoded(FlowNode node, string? baseDirectory) =>
        node is FilesNode { Read: var read } && (read.Format(baseDirectory) == FileFormat.Avro || (read.Format(baseDirectory) == FileFormat.Image && read.Options.Images is not null));

    private WorkSource Decoded(FileRead read) => read.Format(run.Options.BaseDirectory) == FileFormat.Avro ? new AvroSource(run, new AvroFileStage(run, read)) : new ImageSource(run, read);

    private static List<FlowNode> InPass(FlowNode node)
    {
        var steps = new List<FlowNode>();
        for (var at = node; at is RowsNode or BlocksNode; at = at.Inputs.First())
        {
            steps.Insert(0, at);
        }

        return steps;
    }

    private List<BlockStep> Passes(IEnumerable<FlowNode> steps, Schema schema)
    {
        var passes = new List<BlockStep>();
        foreach (var step in steps)
        {
            passes.Add(step is RowsNode rows ? new RowPass(rows.Chain, schema, run.Memory, run.Token) : new BatchPass(((BlocksNode)step).Map, schema, run.Memory, run.Token));
            schema = passes[^1].Schema;
        }

        return passes;
    }

    /// <summary>What a pass reads: of a query, only the columns that its rows have, and of files where it can be, parts that workers read side by side.</summary>
    private WorkSource Input(FlowNode node, RowChain? rows)
    {
        if (node is SourceNode source)
        {
            return source.Open(run);
        }

        if (node is FilesNode files && IsDecoded(node, run.Options.BaseDirectory))
        {
            return Decoded(files.Read);
        }

        if (!node.IsSql(run.Options.BaseDirectory))
        {
            return new StageSource(Stage(node));
        }

        var unit = new SqlUnit(run, this, node);
        Func<string, string> around = static text => text;
        if (rows is not null)
        {
            var columns = RowBinding.Bind(RowShape.Of(rows.Input), unit.Schema).Where(static column => column.Column >= 0).Select(static column => column.Name).Distinct().ToList();
            if (columns.Count > 0 && columns.Count < unit.Schema.FieldsList.Count)
            {
                around = text => $"select {string.Join(", ", columns.Select(QueryText.Identifier))} from (\n{text}\n)";
            }
        }

        return unit.TryPart(around) ?? (WorkSource)new StageSource(new SqlStage(run, unit, around));
    }
}
