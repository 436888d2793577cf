using Apache.Arrow;
using Gristmill.Data.Execution;

namespace Gristmill.Data.Sources;

/// <summary>Files that are read one after the other, by C#.</summary>
internal abstract class FileStage : Stage
{
    private readonly FileRead _read;
    private readonly Queue<SourceFile> _files;
    private readonly long _bytes;
    private readonly Schema _schema;
    private IEnumerator<Block>? _blocks;
    private SourceFile? _current;
    private long _doneBytes;

    protected FileStage(FlowRun run, FileRead read)
    {
        (Run, _read) = (run, read);
        if (read.Options is { OnBadRows: not Gristmill.Engines.Sql.Reading.BadRows.Fail } or { UnionByName: true } or { FileColumn: not null })
        {
            throw new GristmillException(ErrorCodes.Invalid, $"OnBadRows, UnionByName and FileColumn are not for {read.Format(run.Options.BaseDirectory)} files.", "Leave them out.");
        }

        var files = FileSet.Find(read, run.Options.BaseDirectory);
        _bytes = files.Sum(static file => file.Bytes);
        _files = new Queue<SourceFile>(Readable(files, out var schema));
        _schema = schema;
    }

    public override Schema Schema => _schema;

    protected FlowRun Run { get; }

    protected override Block? Next()
    {
        while (true)
        {
            Run.Token.ThrowIfCancellationRequested();
            if (_blocks is null)
            {
                if (!_files.TryDequeue(out var file))
                {
                    return null;
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
        }
    }

    /// <summary>Bytes of the file at hand that are read.</summary>
    protected long Position { get; set; }

    /// <summary>The columns of a file.</summary>
    protected abstract Schema SchemaOf(SourceFile file);

    /// <summary>The rows of a file.</summary>
    protected abstract IEnumerable<Block> Blocks(SourceFile file);

    protected GristmillException Unreadable(SourceFile file, Exception e) =>
        new GristmillException(ErrorCodes.FileFormat, $"'{file.Path}' cannot be read as {_read.Format(Run.Options.BaseDirectory)}: {e.Message}", "Look whether the file is whole, of that format, and may be read.", e)
            .With("file", file.Path);

    private List<SourceFile> Readable(IReadOnlyList<SourceFile> files, out Schema schema)
    {
        var readable = new List<SourceFile>();
        Schema? first = null;
        foreach (var file in files)
        {
            try
            {
                var columns = SchemaOf(file);
                if (first is not null)
                {
                    SchemaChange.Check(first, readable[0].Path, columns, file.Path);
                }

                first ??= columns;
                readable.Add(file);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException or GristmillException { Code: ErrorCodes.Corrupt or ErrorCodes.Invalid })
            {
                if (_read.Options.OnUnreadable == UnreadableFiles.Fail)
                {
                    throw Unreadable(file, e);
                }

                Run.Progress.Skip(new SkippedInput(file.Path, e.Message));
            }
        }

        schema = first ?? throw FileSet.NotFound(_read.Describe(), "has no file that can be read", "The progress of the flow lists the reasons.");
        return readable;
    }
}
