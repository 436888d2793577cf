using System.Runtime.CompilerServices;
using Apache.Arrow;
using Gristmill.Data.Execution;
using Gristmill.Data.Interop;
using Gristmill.Data.Planning;
using Gristmill.Engines.Sql;
using Gristmill.Engines.Sql.Sessions;

namespace Gristmill.Data.Sources;

/// <summary>Files that DuckDB reads by a query each, as they come and go: those that are fetched.</summary>
internal sealed class SqlFileStage(FlowRun run, FileRead read, SqlDatabase database, StrongBox<double> share) : FileStage(run, read)
{
    private readonly FileFormat _format = read.Format(run.Options.BaseDirectory);
    private readonly List<SourceFile> _done = [];
    private Dictionary<string, string>? _types;
    private SourceFile? _at;

    /// <inheritdoc/>
    protected override long Position
    {
        get => (long)(share.Value * (_at?.Bytes ?? 0));
        set => share.Value = 0;
    }

    public static SqlFileStage Open(FlowRun run, FileRead read)
    {
        var share = new StrongBox<double>();
        return new SqlFileStage(run, read, run.Own(SqlDatabase.Open(new SqlDatabaseOptions
        {
            MemoryBytes = run.Shares.Database,
            // Rows only pass through: two threads would each fill the cache with what the other reads.
            Threads = 1,
            TempDirectory = run.Options.TempDirectory,
            ResultBytes = Math.Min(run.Shares.Block, 1 << 20),
            Progress = part => share.Value = part,
        })), share);
    }

    protected override void CheckOptions(FileReadOptions options, FileFormat format)
    {
        if (options.UnionByName)
        {
            throw new GristmillException(ErrorCodes.Invalid, "UnionByName is not for files that are fetched: all would have to be here before the first is read.", "Leave it out, or fetch the files beforehand.");
        }
    }

    protected override Schema SchemaOf(SourceFile file)
    {
        var opened = Opened(file);
        using var statement = Prepare(opened, opened.Select);
        _types ??= _format == FileFormat.Parquet ? [] : Types(opened);
        return statement.Schema;
    }

    protected override IEnumerable<Block> Blocks(SourceFile file)
    {
        _at = file;
        _done.Add(file);
        var opened = Opened(file);
        using var statement = Prepare(opened, $"select {string.Join(", ", Schema.FieldsList.Select(static field => QueryText.Identifier(field.Name)))} from ({opened.Select})");
        using var result = statement.Run(Run.Token);
        while (Read(result) is { } block)
        {
            yield return block;
        }
    }

    protected override void Finish() => Opened(_done[^1]).Finish(database, Run, _done);

    private Block? Read(SqlResult result)
    {
        BlockMemory? memory = null;
        try
        {
            return result.Read(() => memory = new BlockMemory(Run.Memory), BlockSize.Rows, Run.Shares.Block) is { } batch ? new Block(batch, memory) : null;
        }
        catch
        {
            memory?.Release();
            throw;
        }
    }

    private OpenedFiles Opened(SourceFile file) => OpenedFiles.Fetched(Files, _format, file, _types, Run);

    private SqlStatement Prepare(OpenedFiles opened, string text) => database.Prepare(text, error => opened.Explain(error, hasQuery: false, Run.Token)!);

    private Dictionary<string, string> Types(OpenedFiles opened)
    {
        var types = new Dictionary<string, string>();
        using var statement = Prepare(opened, $"select column_name, column_type from (describe {opened.Select})");
        using var result = statement.Run(Run.Token);
        while (result.Read(static () => new HeapColumns(), int.MaxValue, long.MaxValue) is { } batch)
        {
            for (var i = 0; i < batch.Length; i++)
            {
                if (((StringArray)batch.Column(0)).GetString(i) is var name && name != Files.Options.FileColumn)
                {
                    types.Add(name, ((StringArray)batch.Column(1)).GetString(i));
                }
            }
        }

        return types;
    }
}
