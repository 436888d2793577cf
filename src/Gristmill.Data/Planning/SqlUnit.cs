using System.Globalization;
using System.Text;
using Apache.Arrow;
using Gristmill.Data.Execution;
using Gristmill.Data.Sources;
using Gristmill.Engines.Sql;
using Gristmill.Engines.Sql.Querying;
using Gristmill.Engines.Sql.Sessions;

namespace Gristmill.Data.Planning;

/// <summary>
/// Steps that DuckDB does, as one query of one database: readers of files and queries stand in it as text, so that DuckDB reads only the columns and row
/// groups it needs; everything else comes in as a stream of blocks.
/// </summary>
internal sealed class SqlUnit
{
    private readonly FlowRun _run;
    private readonly FlowCompiler _compiler;
    private readonly SqlDatabase _database;
    private readonly List<OpenedFiles> _files = [];
    private readonly List<(string Name, SqlValue Value)> _values = [];
    private readonly List<(int Start, SqlNode Node, string Query)> _places = [];
    private readonly SqlTerm _term;
    private readonly string _text;
    private SqlPassing? _passes;
    private int _streams;
    private int _names;

    public SqlUnit(FlowRun run, FlowCompiler compiler, FlowNode node)
    {
        (_run, _compiler) = (run, compiler);
        _database = run.Own(SqlDatabase.Open(new SqlDatabaseOptions
        {
            MemoryBytes = run.Shares.Database,
            Threads = run.Options.Workers,
            TempDirectory = run.Options.TempDirectory,
            ResultBytes = Math.Min(run.Shares.Block, 1 << 20),
            Progress = share => run.Progress.Input(this, share, _files.Sum(static files => files.Bytes)),
        }));
        // Each statement over a file looks at its footer: the schema, the plan, and each part.
        _database.Set("parquet_metadata_cache", "true");
        _term = Term(node);
        KeepWhatIsReadTwice(_term);
        _text = _term.Write(_places);
        using var statement = Prepare(static text => text);
        Schema = statement.Schema;
    }

    /// <summary>Columns of the result.</summary>
    public Schema Schema { get; }

    /// <summary>Prepares the query, or a statement around it.</summary>
    /// <param name="around">Writes the statement around the text of the query.</param>
    public SqlStatement Prepare(Func<string, string> around)
    {
        var statement = _database.Prepare(around(_text), error => Explain(error, around(_text), _text, _places));
        try
        {
            foreach (var (name, value) in _values)
            {
                statement.Bind(name, value.Text);
            }

            return statement;
        }
        catch
        {
            statement.Dispose();
            throw;
        }
    }

    /// <summary>Lets rows that only pass through be read by one thread: two would each fill the cache with what the other reads.</summary>
    public void Tune(Func<string, string> around)
    {
        _passes ??= SqlPlans.Passing(Plan(around));
        if (_passes != SqlPassing.No)
        {
            _database.Set("threads", "1");
        }
    }

    /// <summary>The query as parts that are read side by side; null: it cannot be parted, or there is too little of it.</summary>
    public PartedSource? TryPart(Func<string, string> around)
    {
        if (_files is not [var files] || _streams > 0 || _run.Options.Workers == 1 || !files.CanBeParted || Schema.FieldsList.Any(static field => field.Name == OpenedFiles.RowNumber))
        {
            return null;
        }

        _passes ??= SqlPlans.Passing(Plan(around));
        if (_passes != SqlPassing.Free || _run.Shares.Database / _run.Options.Workers < PartedSource.SmallestMemory)
        {
            return null;
        }

        var parts = files.Parts(_database, _run);
        if (parts.Count < 2)
        {
            return null;
        }

        Tune(around);
        return new PartedSource(_run, _database, parts.Count, part =>
        {
            var select = files.SelectPart(parts[part]);
            var text = _text.Replace(files.Select, select, StringComparison.Ordinal);
            // The files stand before every query that reads them.
            var places = _places.ConvertAll(place => (place.Start + select.Length - files.Select.Length, place.Node, place.Query));
            return new PartQuery(around(text), _values, error => Explain(error, around(text), text, places));
        });
    }

    /// <summary>Once the query is done: counts the rows that CSV readers left out, and writes them where they are to go.</summary>
    public void FinishFiles()
    {
        foreach (var files in _files)
        {
            files.Finish(_database, _run);
        }
    }

    private SqlTerm Term(FlowNode node)
    {
        var term = new SqlTerm(node);
        switch (node)
        {
            case FilesNode files when files.IsSql(_run.Options.BaseDirectory):
                var opened = OpenedFiles.Open(files.Read, _database, _run);
                _files.Add(opened);
                term.Source = opened.Select;
                break;
            case BatchesNode batches:
                _streams++;
                var table = Name("table");
                var (schema, rows, owner) = batches.Open();
                _database.AddTable(table, schema, rows, owner);
                term.Source = $"select * from {table}";
                break;
            case SqlNode sql:
                term.Inputs.Add((SqlTerm.Input, Term(sql.Input)));
                term.Inputs.AddRange(sql.Others.Select(other => (other.Name, Term(other.Node))));
                foreach (var value in sql.Values)
                {
                    term.Values.Add(string.Create(CultureInfo.InvariantCulture, $"gristmill_value_{_values.Count}"));
                    _values.Add((term.Values[^1], value));
                }

                break;
            default:
                _streams++;
                term.Stream = Name("stream");
                var stage = _compiler.Stage(node);
                _database.AddStream(term.Stream, stage.Schema, () => Take(stage));
                term.Source = $"select * from {term.Stream}";
                break;
        }

        return term;
    }

    private SqlBlock? Take(Stage stage)
    {
        try
        {
            return stage.Take(out _) is { } block ? new SqlBlock(block.Batch, block.Release) : null;
        }
        catch (Exception e)
        {
            // Through DuckDB no more than its text would come: no code, no file, no row.
            _run.Fail(e);
            throw;
        }
    }

    // Innermost first: what an inner query keeps passes once for those around it.
    private void KeepWhatIsReadTwice(SqlTerm term)
    {
        foreach (var (_, input) in term.Inputs)
        {
            KeepWhatIsReadTwice(input);
        }

        var open = term.Inputs.Where(static input => input.Term.OpenStreams.Any()).ToList();
        if (open.Count == 0)
        {
            return;
        }

        var before = open.Select(input => input.Term.OpenStreams.Select(_database.CountUses).ToList()).ToList();
        var places = new List<(int Start, SqlNode Node, string Query)>();
        var text = term.Write(places);
        _database.Prepare(text, error => Explain(error, text, text, places)).Dispose();
        for (var i = 0; i < open.Count; i++)
        {
            open[i].Term.Kept = open[i].Term.OpenStreams.Zip(before[i]).Any(stream => _database.CountUses(stream.First) - stream.Second > 1);
        }
    }

    private string Plan(Func<string, string> around)
    {
        using var explain = Prepare(text => $"explain (format json) {around(text)}");
        using var result = explain.Run(_run.Token);
        var plan = new StringBuilder();
        while (result.Read(static () => new HeapColumns(), int.MaxValue, long.MaxValue) is { } batch)
        {
            for (var i = 0; i < batch.Length; i++)
            {
                plan.Append(((StringArray)batch.Column(1)).GetString(i));
            }
        }

        return plan.ToString();
    }

    private string Name(string kind) => string.Create(CultureInfo.InvariantCulture, $"gristmill_{kind}_{_names++}");

    private Exception Explain(DuckError error, string statement, string text, List<(int Start, SqlNode Node, string Query)> places)
    {
        if (error.Common(_run.Token) is { } common)
        {
            return common;
        }

        var before = Encoding.UTF8.GetByteCount(statement.AsSpan(0, Math.Max(0, statement.IndexOf(text, StringComparison.Ordinal))));
        if (error.Position is { } position)
        {
            foreach (var (start, node, query) in places)
            {
                var first = before + Encoding.UTF8.GetByteCount(text.AsSpan(0, start));
                if (position >= first && position <= first + Encoding.UTF8.GetByteCount(query))
                {
                    return QueryErrors.Explain(error, query, node.Others.Select(static other => other.Name).Append(SqlTerm.Input), _run.Token, first);
                }
            }
        }

        return _files.Select(files => files.Explain(error, places.Count > 0, _run.Token)).FirstOrDefault(static e => e is not null)
            ?? (places.Count > 0
                ? QueryErrors.Explain(error with { Position = null }, places[^1].Query, places[^1].Node.Others.Select(static other => other.Name).Append(SqlTerm.Input), _run.Token)
                : new GristmillException(ErrorCodes.Internal, $"DuckDB failed: {error.Type}: {error.Message}"));
    }
}
