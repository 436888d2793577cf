using Apache.Arrow;
using Gristmill.Data.Execution;
using Gristmill.Data.Sources.Remote;

namespace Gristmill.Data.Sources;

/// <summary>Files that are read one after the other. Those on disk are all looked at first; those of servers when their turn comes, as they are fetched no earlier than need be.</summary>
internal abstract class FileStage : Stage
{
    private readonly IReadOnlyList<SourceFile> _files;
    private readonly FetchedFiles? _fetched;
    private readonly Dictionary<int, SourceFile> _ready = [];
    private readonly Schema _schema;
    private readonly string _first = "";
    private IEnumerator<Block>? _blocks;
    private SourceFile? _current;
    private int _number = -1;
    private int _looked;
    private long _bytes;
    private long _doneBytes;

    protected FileStage(FlowRun run, FileRead read)
    {
        (Run, Files) = (run, read);
        CheckOptions(read.Options, read.Format(run.Options.BaseDirectory));
        _fetched = read.IsRemote ? run.Own(new FetchedFiles(run, read)) : null;
        _files = _fetched?.Files ?? FileSet.Find(read, run.Options.BaseDirectory);
        _bytes = _fetched?.Bytes ?? _files.Sum(static file => file.Bytes);
        if (_fetched is not null)
        {
            // It may be long until a row is read.
            run.Progress.Input(this, 0, _bytes);
        }

        Schema? schema = null;
        for (var i = 0; i < _files.Count && (_fetched is null || schema is null); i++)
        {
            if (Look(i, schema, _first) is { } columns && schema is null)
            {
                (schema, _first) = (columns, _files[i].Name);
            }
        }

        _schema = schema ?? throw FileSet.NotFound(Files.Describe(), "has no file that can be read", "The progress of the flow lists the reasons.");
    }

    public override Schema Schema => _schema;

    protected FlowRun Run { get; }

    /// <summary>The files as they were named, and how they are read.</summary>
    protected FileRead Files { get; }

    /// <summary>Throws where an option is set that only DuckDB's readers know.</summary>
    public static void CheckPlain(FileReadOptions options, FileFormat format)
    {
        if (options is { OnBadRows: not Gristmill.Engines.Sql.Reading.BadRows.Fail } or { UnionByName: true } or { FileColumn: not null })
        {
            throw new GristmillException(ErrorCodes.Invalid, $"OnBadRows, UnionByName and FileColumn are not for {format} files.", "Leave them out.");
        }
    }

    protected override Block? Next()
    {
        while (true)
        {
            Run.Token.ThrowIfCancellationRequested();
            if (_blocks is null)
            {
                if (Open(++_number) is not { } file)
                {
                    if (_number >= _files.Count)
                    {
                        Finish();
                        return null;
                    }

                    continue;
                }

                (_current, _blocks) = (file, Blocks(file).GetEnumerator());
                Run.Own(_blocks);
            }

            try
            {
                if (_blocks.MoveNext())
                {
                    Run.Progress.Input(this, _bytes == 0 ? 1 : (double)(_doneBytes + Position) / _bytes, _bytes);
                    return _blocks.Current;
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException || e is GristmillException { Code: ErrorCodes.Corrupt or ErrorCodes.BadValue or ErrorCodes.Invalid })
            {
                throw Unreadable(_current!, e);
            }

            _blocks.Dispose();
            _blocks = null;
            _doneBytes += _current!.Bytes;
            Position = 0;
            _fetched?.Release(_number);
        }
    }

    /// <summary>Bytes of the file at hand that are read.</summary>
    protected virtual long Position { get; set; }

    /// <summary>Throws where an option is not for these files.</summary>
    protected virtual void CheckOptions(FileReadOptions options, FileFormat format) => CheckPlain(options, format);

    /// <summary>The columns of a file.</summary>
    protected abstract Schema SchemaOf(SourceFile file);

    /// <summary>The rows of a file.</summary>
    protected abstract IEnumerable<Block> Blocks(SourceFile file);

    /// <summary>Called once, behind the last row.</summary>
    protected virtual void Finish()
    {
    }

    protected GristmillException Unreadable(SourceFile file, Exception e) =>
        new GristmillException(ErrorCodes.FileFormat, $"'{file.Name}' cannot be read as {Files.Format(Run.Options.BaseDirectory)}: {e.Message}", "Look whether the file is whole, of that format, and may be read.", e)
            .With("file", file.Name);

    /// <summary>A file, ready to be read; null: it is left out, or there are no more.</summary>
    private SourceFile? Open(int number)
    {
        if (number >= _looked && number < _files.Count)
        {
            Look(number, _schema, _first);
        }

        _bytes = _fetched?.ReadAhead() ?? _bytes;
        _ready.Remove(number, out var file);
        return file;
    }

    /// <summary>Looks at a file, and keeps it to be read if it can be. Null: it cannot, and is left out.</summary>
    private Schema? Look(int number, Schema? first, string firstName)
    {
        var file = _files[number];
        _looked = number + 1;
        try
        {
            file = _fetched?.Take(number) ?? file;
            var columns = SchemaOf(file);
            if (first is not null)
            {
                SchemaChange.Check(first, firstName, columns, file.Name);
            }

            _ready.Add(number, file);
            return columns;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException or GristmillException { Code: ErrorCodes.Corrupt or ErrorCodes.Invalid or ErrorCodes.FileFormat or ErrorCodes.FileNotFound or ErrorCodes.SourceUnavailable })
        {
            if (Files.Options.OnUnreadable == UnreadableFiles.Fail)
            {
                if (e is GristmillException { Code: not (ErrorCodes.Corrupt or ErrorCodes.Invalid) })
                {
                    throw;
                }

                throw Unreadable(file, e);
            }

            _fetched?.Release(number);
            Run.Progress.Skip(new SkippedInput(file.Name, e.Message));
            return null;
        }
    }
}
