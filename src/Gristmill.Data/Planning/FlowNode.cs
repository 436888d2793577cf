using Apache.Arrow;
using Gristmill.Data.Execution;
using Gristmill.Data.Rows;
using Gristmill.Data.Sources;

namespace Gristmill.Data.Planning;

/// <summary>A step of a flow, with those before it. Nothing has been done yet.</summary>
internal abstract record FlowNode
{
    /// <summary>Whether DuckDB does it: such steps one behind the other are one query.</summary>
    /// <param name="baseDirectory">What relative paths begin at: of a folder, what is in it says.</param>
    public virtual bool IsSql(string? baseDirectory) => false;

    /// <summary>The steps it reads, the main one first.</summary>
    public abstract IEnumerable<FlowNode> Inputs { get; }

    /// <summary>What it does, for people.</summary>
    public abstract string Describe();
}

/// <summary>Files.</summary>
internal sealed record FilesNode(FileRead Read) : FlowNode
{
    public override bool IsSql(string? baseDirectory) => Read.IsSql(baseDirectory);

    public override IEnumerable<FlowNode> Inputs => [];

    public override string Describe() => $"read {Read.Describe()}";
}

/// <summary>Rows of a database.</summary>
internal abstract record SourceNode : FlowNode
{
    public override IEnumerable<FlowNode> Inputs => [];

    /// <summary>Opens it for one execution; no row is handed on yet.</summary>
    public abstract WorkSource Open(FlowRun run);
}

/// <summary>Batches that are there.</summary>
/// <param name="Name">What they are, for people.</param>
/// <param name="Open">Opens them for one execution: schema, batches, and what keeps their memory.</param>
internal sealed record BatchesNode(string Name, Func<OpenedBatches> Open) : FlowNode
{
    public override IEnumerable<FlowNode> Inputs => [];

    public override string Describe() => Name;
}

/// <summary>Batches that are there, and what keeps their memory.</summary>
internal sealed record OpenedBatches(Schema Schema, IReadOnlyList<RecordBatch> Batches, IDisposable? Owner);

/// <summary>A query over the step before, which it calls input, and over others.</summary>
internal sealed record SqlNode(FlowNode Input, string Query, IReadOnlyList<SqlValue> Values, IReadOnlyList<(string Name, FlowNode Node)> Others) : FlowNode
{
    public override bool IsSql(string? baseDirectory) => true;

    public override IEnumerable<FlowNode> Inputs => Others.Select(static other => other.Node).Prepend(Input);

    public override string Describe() => $"SQL {string.Join(' ', Query.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))}";
}

/// <summary>Functions of rows, one behind the other, done in one pass.</summary>
internal sealed record RowsNode(FlowNode Input, RowChain Chain) : FlowNode
{
    public override IEnumerable<FlowNode> Inputs => [Input];

    public override string Describe() => Chain.Describe();
}

/// <summary>A function of whole batches.</summary>
internal sealed record BlocksNode(FlowNode Input, Func<RecordBatch, RecordBatch> Map) : FlowNode
{
    public override IEnumerable<FlowNode> Inputs => [Input];

    public override string Describe() => "map of batches";
}
