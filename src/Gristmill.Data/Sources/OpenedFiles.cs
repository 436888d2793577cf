using System.Globalization;
using System.Text;
using Apache.Arrow;
using Gristmill.Data.Execution;
using Gristmill.Data.Writing;
using Gristmill.Engines.Sql;
using Gristmill.Engines.Sql.Reading;
using Gristmill.Engines.Sql.Sessions;

namespace Gristmill.Data.Sources;

/// <summary>Files that DuckDB reads in one execution: found, looked at, and as text of a query.</summary>
internal sealed class OpenedFiles
{
    /// <summary>Errors that a query makes of values that were read.</summary>
    private static readonly string[] s_ofQueries = ["Binder", "Parser", "Catalog", "Conversion", "Out of Range", "Not implemented", "Mismatch Type", "Divide by Zero"];

    private const long PartRows = 500_000;

    private readonly FileRead _read;
    private readonly FileFormat _format;
    private readonly IReadOnlyList<SourceFile> _files;
    private readonly long _memory;
    private readonly IReadOnlyDictionary<string, string>? _columns;

    private OpenedFiles(FileRead read, FileFormat format, IReadOnlyList<SourceFile> files, long memory, IReadOnlyDictionary<string, string>? columns = null)
    {
        (_read, _format, _files, _memory, _columns) = (read, format, files, memory, columns);
        Bytes = files.Sum(static file => file.Bytes);
        // Where a file was fetched to is nobody's business.
        var from = read.IsRemote && read.Options.FileColumn is { } column ? $", {QueryText.Literal(files[0].Name)} as {QueryText.Identifier(column)}" : "";
        Select = $"select *{from} from {Reader(files)}";
    }

    /// <summary>Bytes of all files.</summary>
    public long Bytes { get; }

    /// <summary>A query that reads them.</summary>
    public string Select { get; }

    /// <summary>Name of the column with the number of a row in its file, as DuckDB calls it.</summary>
    public const string RowNumber = "file_row_number";

    /// <summary>Whether each file tells its rows apart from those of others: Parquet whose folders name no columns.</summary>
    public bool CanBeParted => _format == FileFormat.Parquet && !_read.Options.UnionByName && !_files.Any(static file => file.Path.Contains('=', StringComparison.Ordinal));

    /// <summary>Files, or where there are few, runs of their row groups, in order.</summary>
    public IReadOnlyList<FilePart> Parts(SqlDatabase database, FlowRun run)
    {
        if (_files.Count >= 2 * run.Options.Workers)
        {
            return [.. _files.Select(static file => new FilePart(file, 0, 0))];
        }

        var parts = new List<FilePart>();
        foreach (var file in _files)
        {
            var groups = new List<long>();
            using (var statement = database.Prepare($"select row_group_num_rows from parquet_metadata({QueryText.Literal(Escape(file.Path))}) where column_id = 0 order by row_group_id",
                error => ReadErrors.Explain(error, [file.Path], Name(_format), run.Token)))
            using (var result = statement.Run(run.Token))
            {
                while (result.Read(static () => new Planning.HeapColumns(), int.MaxValue, long.MaxValue) is { } batch)
                {
                    groups.AddRange(((Int64Array)batch.Column(0)).Values);
                }
            }

            // A part takes a statement and a look at the file's footer: that is worth it for some hundred thousand rows.
            var (from, to) = (0L, 0L);
            for (var i = 0; i < groups.Count; i++)
            {
                to += groups[i];
                if (to - from >= PartRows || i == groups.Count - 1)
                {
                    parts.Add(new FilePart(file, from, to));
                    from = to;
                }
            }
        }

        return parts;
    }

    /// <summary>A query that reads a part.</summary>
    public string SelectPart(FilePart part)
    {
        var reader = Reader([part.File]);
        return part.To == 0
            ? $"select * from {reader}"
            : string.Create(CultureInfo.InvariantCulture, $"select * exclude ({RowNumber}) from {reader[..^1]}, {RowNumber} = true) where {RowNumber} >= {part.From} and {RowNumber} < {part.To}");
    }

    /// <summary>Finds the files, and looks at each as far as its columns.</summary>
    /// <exception cref="GristmillException">
    /// <see cref="ErrorCodes.FileNotFound"/>, <see cref="ErrorCodes.FileFormat"/>: a file cannot be read; <see cref="ErrorCodes.TypeMismatch"/>,
    /// <see cref="ErrorCodes.UnknownColumn"/>: its columns are not those of the first.
    /// </exception>
    public static OpenedFiles Open(FileRead read, SqlDatabase database, FlowRun run)
    {
        var format = read.Format(run.Options.BaseDirectory);
        Check(read.Options, format);
        IReadOnlyList<SourceFile> files = FileSet.Find(read, run.Options.BaseDirectory);
        var skips = read.Options.OnUnreadable == UnreadableFiles.Skip;
        if (skips || (format == FileFormat.Parquet && files.Count > 1))
        {
            files = LookAt(files, new OpenedFiles(read, format, files, run.Shares.Database), database, run, skips);
        }

        return new OpenedFiles(read, format, files, run.Shares.Database);
    }

    /// <summary>A file that was fetched, to be read by a query of its own.</summary>
    /// <param name="read">How.</param>
    /// <param name="format">Its format.</param>
    /// <param name="file">The file.</param>
    /// <param name="types">DuckDB's types of its columns, where they are known: the next file's rows may look like others.</param>
    /// <param name="run">The run.</param>
    public static OpenedFiles Fetched(FileRead read, FileFormat format, SourceFile file, IReadOnlyDictionary<string, string>? types, FlowRun run)
    {
        Check(read.Options, format);
        if (types is not null && format == FileFormat.Csv)
        {
            read = read with { Options = read.Options with { Types = types } };
        }

        return new OpenedFiles(read, format, [file], run.Shares.Database, format == FileFormat.JsonLines ? types : null);
    }

    /// <summary>Once they are read: counts the rows that were left out, and writes them where they are to go.</summary>
    /// <param name="database">The database that has read them.</param>
    /// <param name="run">The run.</param>
    /// <param name="fetched">Files that were fetched, whose names are to be shown.</param>
    public void Finish(SqlDatabase database, FlowRun run, IReadOnlyList<SourceFile>? fetched = null)
    {
        if (_read.Options.OnBadRows == BadRows.Fail)
        {
            return;
        }

        Exception Failed(DuckError error) => error.Common(run.Token) ?? new GristmillException(ErrorCodes.Internal, $"DuckDB failed: {error.Message}");
        using (var statement = database.Prepare($"select count(*) from ({CsvRejects.Query})", Failed))
        {
            run.Progress.BadRows(SqlScalars.Number(statement, run.Token));
        }

        if (_read.Options is { OnBadRows: BadRows.Quarantine, Quarantine: { } path })
        {
            var full = FileSet.Full(path, run.Options.BaseDirectory);
            using var target = WriteTarget.File(full, overwrite: true);
            var text = $"copy ({Rejects(fetched)}) to {QueryText.Literal(target.Path)} ({CopyOptions.Of(FileFormats.Of(full) ?? throw FileFormats.Unknown(full), new FileWriteOptions())})";
            using var copy = database.Prepare(text, Failed);
            SqlScalars.Number(copy, run.Token);
            target.Commit();
        }
    }

    /// <summary>What an error means, if it is about these files; else null.</summary>
    /// <param name="error">What DuckDB says.</param>
    /// <param name="hasQuery">Whether a user's query may be the cause as well.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public Exception? Explain(DuckError error, bool hasQuery, CancellationToken cancellationToken)
    {
        if (_read.IsRemote)
        {
            var shown = error with { Message = error.Message.Replace(_files[0].Path, _files[0].Name, StringComparison.Ordinal) };
            return ReadErrors.Explain(shown, [_files[0].Name], Name(_format), cancellationToken);
        }

        var named = _files.FirstOrDefault(file => error.Message.Contains(file.Path, StringComparison.Ordinal));
        if (named is null && CsvRejects.Explain(error.Message) is null)
        {
            if (hasQuery && s_ofQueries.Any(error.Is))
            {
                return null;
            }

            named = Damaged(cancellationToken);
            if (named is null && hasQuery && !error.Is("IO"))
            {
                return null;
            }
        }

        return ReadErrors.Explain(error, named is null ? [.. _files.Select(static file => file.Path)] : [named.Path], Name(_format), cancellationToken);
    }

    private static string Rejects(IReadOnlyList<SourceFile>? fetched) => fetched is null ? CsvRejects.Query
        : $"""
            select case file {string.Join(' ', fetched.Select(static file => $"when {QueryText.Literal(file.Path)} then {QueryText.Literal(file.Name)}"))} else file end as file, * exclude (file)
            from ({CsvRejects.Query})
            """;

    private static void Check(FileReadOptions options, FileFormat format)
    {
        if (options.OnBadRows != BadRows.Fail && format != FileFormat.Csv)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"Bad rows can be left out of CSV files alone, and these are {format}.", "Leave OnBadRows out.");
        }

        if ((options.OnBadRows == BadRows.Quarantine) != (options.Quarantine is not null))
        {
            throw new GristmillException(ErrorCodes.Invalid, "Bad rows are set apart if both OnBadRows says so and Quarantine names the file for them.", "Set both, or neither.");
        }
    }

    private static List<SourceFile> LookAt(IReadOnlyList<SourceFile> files, OpenedFiles all, SqlDatabase database, FlowRun run, bool skips)
    {
        var readable = new List<SourceFile>();
        Schema? first = null;
        foreach (var file in files)
        {
            run.Token.ThrowIfCancellationRequested();
            Schema schema;
            try
            {
                using var statement = database.Prepare($"select * from {all.Reader([file])}",
                    error => ReadErrors.Explain(error, [file.Path], Name(all._format), run.Token));
                schema = statement.Schema;
            }
            catch (GristmillException e) when (skips && e.Code is ErrorCodes.FileFormat or ErrorCodes.FileNotFound)
            {
                run.Progress.Skip(new SkippedInput(file.Path, e.Message));
                continue;
            }

            readable.Add(file);
            if (first is null)
            {
                first = schema;
            }
            else if (!all._read.Options.UnionByName && all._format == FileFormat.Parquet)
            {
                SchemaChange.Check(first, readable[0].Path, schema, file.Path);
            }
        }

        return readable.Count > 0 ? readable : throw FileSet.NotFound(all._read.Describe(), "has no file that can be read", "The progress of the flow lists the reasons.");
    }

    /// <summary>The first file that does not read to its end: DuckDB does not always say which.</summary>
    private SourceFile? Damaged(CancellationToken cancellationToken)
    {
        using var database = SqlDatabase.Open(new SqlDatabaseOptions { MemoryBytes = 256 << 20, Threads = 1 });
        foreach (var file in _files)
        {
            try
            {
                using var statement = database.Prepare($"select (max(hash(t)) > 0)::bigint from {Reader([file])} as t", static error => new InvalidDataException(error.Message));
                SqlScalars.Number(statement, cancellationToken);
            }
            catch (InvalidDataException)
            {
                return file;
            }
        }

        return null;
    }

    private string Reader(IReadOnlyList<SourceFile> files)
    {
        var options = _read.Options;
        var text = new StringBuilder(_format switch { FileFormat.Parquet => "read_parquet", FileFormat.Csv => "read_csv", _ => "read_json" })
            .Append("([").AppendJoin(", ", files.Select(static file => QueryText.Literal(Escape(file.Path)))).Append(']');
        text.Append(options.UnionByName ? ", union_by_name = true" : "")
            .Append(options.FileColumn is { } column && !_read.IsRemote ? $", filename = {QueryText.Literal(column)}" : "");
        if (_format == FileFormat.JsonLines)
        {
            // Its buffers are twice as long as the longest object, and each thread has one.
            text.Append(CultureInfo.InvariantCulture, $", format = 'newline_delimited', maximum_object_size = {Math.Clamp(_memory / 16, 1 << 20, 16 << 20)}");
            if (_columns is not null)
            {
                text.Append(", columns = ").Append(Struct(_columns));
            }
        }

        if (_format == FileFormat.Csv)
        {
            text.Append(CultureInfo.InvariantCulture, $", buffer_size = {Math.Clamp(_memory / 16, 2 << 20, 32 << 20)}")
                .Append(options.OnBadRows == BadRows.Fail ? "" : CsvRejects.Argument)
                .Append(options.Delimiter is { } delimiter ? $", delim = {QueryText.Literal(delimiter.ToString())}" : "")
                .Append(options.Header is { } header ? $", header = {(header ? "true" : "false")}" : "");
            if (options.Types.Count > 0)
            {
                text.Append(", types = ").Append(Struct(options.Types));
            }
        }

        return text.Append(')').ToString();
    }

    private static string Struct(IReadOnlyDictionary<string, string> types) =>
        $"{{{string.Join(", ", types.Select(static type => $"{QueryText.Literal(type.Key)}: {QueryText.Literal(type.Value)}"))}}}";

    // A name with characters of patterns is meant itself.
    private static string Escape(string path) => path.AsSpan().ContainsAny("*?[")
        ? string.Concat(path.Select(static c => c is '*' or '?' or '[' ? string.Create(CultureInfo.InvariantCulture, $"[{c}]") : c.ToString()))
        : path;

    private static string Name(FileFormat format) => format switch { FileFormat.Parquet => "PARQUET", FileFormat.Csv => "CSV", _ => "JSON" };
}
