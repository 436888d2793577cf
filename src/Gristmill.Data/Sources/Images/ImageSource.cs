using System.Globalization;
using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Data.Execution;
using Gristmill.Data.Interop;

namespace Gristmill.Data.Sources.Images;

/// <summary>Decodes images, each by the worker that goes on with its pixels.</summary>
internal sealed class ImageSource : WorkSource
{
    private readonly FlowRun _run;
    private readonly ImageStage _files;
    private readonly FileReadOptions _options;
    private readonly FixedSizeListType _type;

    public ImageSource(FlowRun run, FileRead read)
    {
        (_run, _options) = (run, read.Options);
        var images = _options.Images!;
        images.Check();
        _files = new ImageStage(run, read);
        _type = new FixedSizeListType(new Field("item", UInt8Type.Default, nullable: false), images.Bytes);
        Schema = new Schema(
            [
                .. _files.Schema.FieldsList.Take(4),
                new Field("pixels", _type, nullable: false, [new KeyValuePair<string, string>("shape", string.Create(CultureInfo.InvariantCulture, $"{images.Height},{images.Width},{images.Channels}"))]),
            ], null);
    }

    public override Schema Schema { get; }

    public override WorkPart? Next() => _files.Take(out var number) is { } files ? new Part(this, number, files) : null;

    private sealed class Part : WorkPart
    {
        private readonly ImageSource _source;
        private readonly Block _files;
        private readonly BytesColumn<int> _paths = new();
        private readonly BytesColumn<int> _labels = new();
        private readonly FixedColumn<int> _widths = new();
        private readonly FixedColumn<int> _heights = new();
        private readonly BytesColumn<int> _bytes = new();
        private int _file;

        public Part(ImageSource source, long number, Block files)
            : base(number)
        {
            (_source, _files) = (source, files);
            foreach (var (column, i) in Columns.Select(static (column, i) => (column, i)))
            {
                column.Bind(files.Batch.Column(i).Data);
            }
        }

        private ColumnReader[] Columns => [_paths, _labels, _widths, _heights, _bytes];

        public override Block? Take()
        {
            var images = _source._options.Images!;
            var most = (int)Math.Clamp(_source._run.Shares.Block / images.Bytes, 1, _files.Rows);
            while (_file < _files.Rows)
            {
                var memory = new BlockMemory(_source._run.Memory);
                try
                {
                    var first = _file;
                    if (Fill(memory, most) is { } batch)
                    {
                        return new Block(batch, memory) { FirstRow = _files.FirstRow + first };
                    }

                    memory.Release();
                }
                catch
                {
                    memory.Release();
                    throw;
                }
            }

            return null;
        }

        public override void Dispose()
        {
            foreach (var column in Columns)
            {
                column.Unbind();
            }

            _files.Release();
        }

        /// <summary>Decodes some; null if all of them are left out.</summary>
        private RecordBatch? Fill(BlockMemory memory, int most)
        {
            var size = _source._options.Images!.Bytes;
            var (paths, labels) = (new BytesBuilder(StringType.Default), new BytesBuilder(StringType.Default));
            var (widths, heights) = (new FixedBuilder<int>(Int32Type.Default), new FixedBuilder<int>(Int32Type.Default));
            ColumnBuilder[] builders = [paths, labels, widths, heights];
            foreach (var builder in builders)
            {
                builder.Begin(memory, most);
            }

            var pixels = memory.AllocateUninitialized(checked(most * size));
            var rows = 0;
            for (; rows < most && _file < _files.Rows; _file++)
            {
                _source._run.Token.ThrowIfCancellationRequested();
                if (Decode(pixels.Span.Slice(rows * size, size)))
                {
                    paths.Set(rows, _paths.Span(_file));
                    labels.Set(rows, _labels.Span(_file));
                    widths.Set(rows, _widths.Get(_file));
                    heights.Set(rows, _heights.Get(_file));
                    rows++;
                }
            }

            if (rows == 0)
            {
                return null;
            }

            var items = new ArrayData(UInt8Type.Default, rows * size, 0, 0, [ArrowBuffer.Empty, new ArrowBuffer(pixels[..(rows * size)])], System.Array.Empty<ArrayData>());
            var lists = ArrowArrayFactory.BuildArray(new ArrayData(_source._type, rows, 0, 0, [ArrowBuffer.Empty], [items]));
            return new RecordBatch(_source.Schema, [.. builders.Select(builder => builder.Build(rows)), lists], rows);
        }

        /// <returns>False: it is left out.</returns>
        private bool Decode(Span<byte> pixels)
        {
            var (width, height) = (_widths.Get(_file), _heights.Get(_file));
            var memory = new BlockMemory(_source._run.Memory);
            try
            {
                if ((long)width * height > ImageDecoder.LargestImage)
                {
                    throw new InvalidDataException(FormattableString.Invariant($"its {width} × {height} pixels are more than {ImageDecoder.LargestImage >> 20} Mi"));
                }

                ImageDecoder.Decode(_bytes.Span(_file), (width, height), _source._options.Images!, memory, pixels);
                return true;
            }
            catch (InvalidDataException e)
            {
                var name = System.Text.Encoding.UTF8.GetString(_paths.Span(_file));
                if (_source._options.OnUnreadable == UnreadableFiles.Fail)
                {
                    throw ImageStage.Unreadable(name, e);
                }

                _source._run.Progress.Skip(new SkippedInput(name, e.Message));
                return false;
            }
            finally
            {
                memory.Release();
            }
        }
    }
}
