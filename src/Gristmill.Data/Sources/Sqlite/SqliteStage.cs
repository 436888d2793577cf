using System.Globalization;
using Gristmill.Data.Execution;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Gristmill.Data.Sources.Sqlite;

/// <summary>
/// Steps through a statement of SQLite, block by block. Values are read where SQLite has them, without an object for any. SQLite reads one statement with one
/// thread; the workers behind it share the blocks.
/// </summary>
internal sealed class SqliteStage : RowStage, IDisposable
{
    /// <summary>Rows that say the type of a column which has no declared one.</summary>
    private const int LookedAt = 1_000;
    private const int BusyMilliseconds = 5_000;
    private const int Interrupted = 9;
    private readonly SqliteNode _node;
    private readonly string _file;
    private readonly SqliteConnection _connection;
    private readonly sqlite3 _database;
    private readonly Lock _gate = new();
    private sqlite3_stmt? _statement;
    private SqliteColumn[] _columns = [];
    private double _likelyRows;
    private long _fileBytes;
    private bool _done;
    private bool _ended;

    private SqliteStage(FlowRun run, SqliteNode node, string file)
        : base(run)
    {
        (_node, _file) = (node, file);
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString());
        try
        {
            _connection.Open();
            _database = _connection.Handle!;
        }
        catch (SqliteException e)
        {
            _connection.Dispose();
            throw Error(e.SqliteErrorCode, e.Message);
        }
    }

    /// <exception cref="GristmillException">There is no such file or table, or it is not a query.</exception>
    public static SqliteStage Open(FlowRun run, SqliteNode node)
    {
        var file = FileSet.Full(node.Path, run.Options.BaseDirectory);
        if (!File.Exists(file))
        {
            throw FileSet.NotFound(file, "does not exist", "Relative paths start at the base folder of the flow's options, or at the process's folder.");
        }

        var stage = run.Own(new SqliteStage(run, node, file));
        run.OnEnd(stage.Interrupt);
        stage.Prepare();
        return stage;
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _ended = true;
            _statement?.Dispose();
            _connection.Dispose();
        }
    }

    protected override long Row(int row)
    {
        if (!Step())
        {
            return -1;
        }

        var bytes = 0L;
        for (var i = 0; i < _columns.Length; i++)
        {
            var taken = _columns[i].Set(_statement!, row);
            bytes += taken >= 0 ? taken : throw Misfit(i, Rows + row);
        }

        return bytes;
    }

    protected override void Gathered(int rows)
    {
        if (_likelyRows > 0 && Rows > _likelyRows)
        {
            // Pages that point at each other: a table has no more rows than numbers for them.
            throw Error(raw.SQLITE_CORRUPT, "it gives more rows than it has");
        }

        if (_likelyRows > 0)
        {
            Run.Progress.Input(this, rows == 0 ? 1 : Math.Min(1, Rows / _likelyRows), _fileBytes);
        }
    }

    private void Prepare()
    {
        raw.sqlite3_busy_timeout(_database, BusyMilliseconds);
        // Whatever the query is, it reads; and what finds out the types sees the rows that are read.
        Execute("pragma query_only = 1");
        Execute("begin");
        var result = raw.sqlite3_prepare_v2(_database, _node.Text, out _statement, out string tail);
        if (result != raw.SQLITE_OK)
        {
            throw Error(result, raw.sqlite3_errmsg(_database).utf8_to_string());
        }

        if (_statement.IsInvalid || raw.sqlite3_column_count(_statement) == 0 || !string.IsNullOrWhiteSpace(tail) || raw.sqlite3_stmt_readonly(_statement) == 0)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"What is to be read of '{_file}' is not one query that gives columns and changes nothing.", "Give one SELECT.").With("file", _file);
        }

        string[] names = [.. Enumerable.Range(0, raw.sqlite3_column_count(_statement)).Select(i => raw.sqlite3_column_name(_statement, i).utf8_to_string())];
        if (names.GroupBy(static name => name).FirstOrDefault(static group => group.Count() > 1) is { } twice)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"{Sentence(_node.Shown)} of '{_file}' gives two columns '{twice.Key}'.", "Give each a name of its own with AS.")
                .With("file", _file).With("column", twice.Key);
        }

        if (_node.Options.Types.Keys.FirstOrDefault(name => !names.Contains(name)) is { } unknown)
        {
            throw new GristmillException(ErrorCodes.UnknownColumn, $"{Sentence(_node.Shown)} of '{_file}' has no column '{unknown}', of which a type is said.", $"It has {string.Join(", ", names)}.")
                .With("file", _file).With("column", unknown);
        }

        SqliteType?[] types = [.. names.Select((name, i) => _node.Options.Types.TryGetValue(name, out var type) ? type : SqliteColumn.Declared(raw.sqlite3_column_decltype(_statement, i).utf8_to_string()))];
        LookAtRows(types, names);
        _columns = [.. types.Select(static (type, i) => SqliteColumn.Of(type!.Value, i))];
        Begin(names, [.. _columns.Select(static column => column.Builder)]);
        _fileBytes = new FileInfo(_file).Length;
        _likelyRows = _node.Table is { } table ? LikelyRows(table) : 0;
    }

    /// <summary>Finds the types that nothing says.</summary>
    private void LookAtRows(SqliteType?[] types, string[] names)
    {
        int[] open = [.. Enumerable.Range(0, types.Length).Where(i => types[i] is null)];
        if (open.Length == 0)
        {
            return;
        }

        for (var row = 0; row < LookedAt && Step(); row++)
        {
            foreach (var i in open)
            {
                SqliteType? type = raw.sqlite3_column_type(_statement, i) switch
                {
                    raw.SQLITE_INTEGER => SqliteType.Int64,
                    raw.SQLITE_FLOAT => SqliteType.Double,
                    raw.SQLITE_TEXT => SqliteType.Text,
                    raw.SQLITE_BLOB => SqliteType.Binary,
                    _ => null,
                };
                types[i] = (types[i], type) switch
                {
                    (var known, null) => known,
                    (null, _) => type,
                    var (known, other) when known == other => known,
                    (SqliteType.Int64 or SqliteType.Double, SqliteType.Int64 or SqliteType.Double) => SqliteType.Double,
                    var (known, _) => throw Misfit(names[i], known!.Value, i, row),
                };
            }
        }

        raw.sqlite3_reset(_statement);
        _done = false;
        foreach (var i in open)
        {
            types[i] ??= SqliteType.Text;
        }
    }

    /// <summary>At most so many, by the range of row numbers; 0: nobody knows.</summary>
    private double LikelyRows(string table)
    {
        var text = $"select max(_rowid_) - min(_rowid_) + 1.0 from {Engines.Sql.Sessions.QueryText.Identifier(table)}";
        if (raw.sqlite3_prepare_v2(_database, text, out var statement) != raw.SQLITE_OK)
        {
            return 0;
        }

        using (statement)
        {
            return raw.sqlite3_step(statement) == raw.SQLITE_ROW ? raw.sqlite3_column_double(statement, 0) : 0;
        }
    }

    private bool Step()
    {
        // Stepped on behind its end, a statement begins anew.
        if (_done)
        {
            return false;
        }

        var result = raw.sqlite3_step(_statement);
        _done = result == raw.SQLITE_DONE;
        return result switch
        {
            raw.SQLITE_ROW => true,
            raw.SQLITE_DONE => false,
            _ => throw Error(result, raw.sqlite3_errmsg(_database).utf8_to_string()),
        };
    }

    private void Execute(string text)
    {
        var result = raw.sqlite3_exec(_database, text);
        if (result != raw.SQLITE_OK)
        {
            throw Error(result, raw.sqlite3_errmsg(_database).utf8_to_string());
        }
    }

    private void Interrupt()
    {
        lock (_gate)
        {
            if (!_ended)
            {
                raw.sqlite3_interrupt(_database);
            }
        }
    }

    private GristmillException Misfit(int column, long row) =>
        Misfit(Schema.GetFieldByIndex(column).Name, _node.Options.Types.TryGetValue(Schema.GetFieldByIndex(column).Name, out var type) ? type : TypeOf(column), column, row);

    private SqliteType TypeOf(int column) => Schema.GetFieldByIndex(column).DataType.TypeId switch
    {
        Apache.Arrow.Types.ArrowTypeId.Boolean => SqliteType.Boolean,
        Apache.Arrow.Types.ArrowTypeId.Int64 => SqliteType.Int64,
        Apache.Arrow.Types.ArrowTypeId.Double => SqliteType.Double,
        Apache.Arrow.Types.ArrowTypeId.String => SqliteType.Text,
        Apache.Arrow.Types.ArrowTypeId.Binary => SqliteType.Binary,
        Apache.Arrow.Types.ArrowTypeId.Date32 => SqliteType.Date,
        _ => SqliteType.Timestamp,
    };

    private GristmillException Misfit(string column, SqliteType type, int index, long row)
    {
        var value = raw.sqlite3_column_type(_statement, index) switch
        {
            raw.SQLITE_INTEGER => $"the integer {raw.sqlite3_column_int64(_statement, index).ToString(CultureInfo.InvariantCulture)}",
            raw.SQLITE_FLOAT => $"the number {raw.sqlite3_column_double(_statement, index).ToString(CultureInfo.InvariantCulture)}",
            raw.SQLITE_TEXT => $"the text '{Shorten(raw.sqlite3_column_text(_statement, index).utf8_to_string())}'",
            _ => $"a blob of {raw.sqlite3_column_bytes(_statement, index).ToString(CultureInfo.InvariantCulture)} bytes",
        };
        return new GristmillException(ErrorCodes.TypeMismatch, $"{Sentence(_node.Shown)} of '{_file}', column '{column}', row {row.ToString(CultureInfo.InvariantCulture)}: {value} is no {type}.",
                "Say the column's type (Types), or make all values of one type in a query: cast(... as text), datetime(..., 'unixepoch').")
            .With("file", _file).With("column", column).With("row", row.ToString(CultureInfo.InvariantCulture));
    }

    private static string Shorten(string text) => text.Length <= 40 ? text : text[..40] + "...";

    private static string Sentence(string text) => char.ToUpperInvariant(text[0]) + text[1..];

    private Exception Error(int result, string message)
    {
        var code = result & 0xFF;
        if (code == Interrupted)
        {
            return new FlowEndedException();
        }

        return (code switch
        {
            raw.SQLITE_NOTADB or raw.SQLITE_CORRUPT => new GristmillException(ErrorCodes.FileFormat, $"'{_file}' is no sound SQLite database: {message}.", "Look whether the file is whole (pragma integrity_check)."),
            raw.SQLITE_BUSY or raw.SQLITE_LOCKED => new GristmillException(ErrorCodes.SourceUnavailable, $"'{_file}' is locked by another program: {message}.", "Run again once it is done; in WAL mode readers and writers do not wait for each other."),
            raw.SQLITE_CANTOPEN or raw.SQLITE_PERM or raw.SQLITE_AUTH or raw.SQLITE_IOERR or raw.SQLITE_READONLY => new GristmillException(ErrorCodes.FileNotFound, $"'{_file}' cannot be read: {message}.", "Look whether the file, and the -wal and -shm beside it, may be read."),
            raw.SQLITE_NOMEM => new GristmillException(ErrorCodes.TooLarge, $"'{_file}' has a value that SQLite finds no memory for: {message}.", "Leave the column out."),
            _ => new GristmillException(ErrorCodes.Sql, $"SQLite refuses {_node.Shown} of '{_file}': {message}.", "Look at the names of tables and columns, and at the query."),
        }).With("file", _file);
    }
}
