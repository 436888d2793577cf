using System.Buffers;
using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Data.Execution;
using Gristmill.Data.Interop;
using Gristmill.Data.Sources.Remote;

namespace Gristmill.Data.Sources.Images;

/// <summary>Images, a file a row: encoded as they are, with the size that their heads say.</summary>
internal sealed class ImageStage : Stage
{
    private const int Largest = 256 << 20;
    private static readonly Schema s_schema = new(
        [
            new Field("path", StringType.Default, nullable: false),
            new Field("label", StringType.Default, nullable: false),
            new Field("width", Int32Type.Default, nullable: false),
            new Field("height", Int32Type.Default, nullable: false),
            new Field("bytes", BinaryType.Default, nullable: false),
        ], null);

    private readonly FlowRun _run;
    private readonly FileRead _read;
    private readonly IReadOnlyList<SourceFile> _files;
    private readonly FetchedFiles? _fetched;
    private int _next;
    private long _rows;

    public ImageStage(FlowRun run, FileRead read)
    {
        (_run, _read) = (run, read);
        FileStage.CheckPlain(read.Options, FileFormat.Image);
        _fetched = read.IsRemote ? run.Own(new FetchedFiles(run, read)) : null;
        _files = _fetched?.Files ?? FileSet.Find(read, run.Options.BaseDirectory);
        run.Progress.Input(this, 0, _fetched?.Bytes ?? _files.Sum(static file => file.Bytes));
    }

    public override Schema Schema => s_schema;

    protected override Block? Next()
    {
        var total = _fetched?.ReadAhead() ?? _files.Sum(static file => file.Bytes);
        var memory = new BlockMemory(_run.Memory);
        try
        {
            var (paths, labels, bytes) = (new BytesBuilder(StringType.Default), new BytesBuilder(StringType.Default), new BytesBuilder(BinaryType.Default));
            var (widths, heights) = (new FixedBuilder<int>(Int32Type.Default), new FixedBuilder<int>(Int32Type.Default));
            var most = Math.Min(BlockSize.Rows, Math.Max(1, _files.Count - _next));
            ColumnBuilder[] columns = [paths, labels, widths, heights, bytes];
            foreach (var column in columns)
            {
                column.Begin(memory, most);
            }

            var (rows, written) = (0, 0L);
            while (_next < _files.Count && rows < most && written < _run.Shares.Block)
            {
                _run.Token.ThrowIfCancellationRequested();
                var number = _next++;
                var file = _files[number];
                try
                {
                    file = _fetched?.Take(number) ?? file;
                    var length = Read(file, row: rows, bytes, out var size);
                    paths.Set(rows, file.Name);
                    labels.Set(rows, Addresses.Folder(file.Name));
                    widths.Set(rows, size.Width);
                    heights.Set(rows, size.Height);
                    written += length;
                    rows++;
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException or GristmillException { Code: ErrorCodes.FileNotFound or ErrorCodes.SourceUnavailable })
                {
                    if (_read.Options.OnUnreadable == UnreadableFiles.Fail)
                    {
                        if (e is GristmillException)
                        {
                            throw;
                        }

                        throw Unreadable(file.Name, e);
                    }

                    _run.Progress.Skip(new SkippedInput(file.Name, e.Message));
                }

                _fetched?.Release(number);
            }

            _run.Progress.Input(this, (double)_next / _files.Count, total);
            _rows += rows;
            if (rows == 0)
            {
                memory.Release();
                return _rows > 0 ? null : throw FileSet.NotFound(_read.Describe(), "has no file that can be read", "The progress of the flow lists the reasons.");
            }

            return new Block(new RecordBatch(s_schema, columns.Select(column => column.Build(rows)), rows), memory);
        }
        catch
        {
            memory.Release();
            throw;
        }
    }

    public static GristmillException Unreadable(string name, Exception e) =>
        new GristmillException(ErrorCodes.FileFormat, $"'{name}' cannot be read as Image: {e.Message}", "Look whether the file is whole, of that format, and may be read.", e).With("file", name);

    private static int Read(SourceFile file, int row, BytesBuilder bytes, out (int Width, int Height) size)
    {
        using var stream = new FileStream(file.Path, FileMode.Open, FileAccess.Read, FileShare.Read, 1);
        if (stream.Length > Largest)
        {
            throw new InvalidDataException("it is larger than 256 MiB");
        }

        var buffer = ArrayPool<byte>.Shared.Rent((int)stream.Length);
        try
        {
            var image = buffer.AsSpan(0, (int)stream.Length);
            stream.ReadExactly(image);
            size = ImageSize.Of(image);
            bytes.Set(row, (ReadOnlySpan<byte>)image);
            return image.Length;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
