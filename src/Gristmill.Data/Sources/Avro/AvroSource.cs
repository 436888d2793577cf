using System.Buffers;
using System.Globalization;
using Apache.Arrow;
using Gristmill.Data.Execution;
using Gristmill.Data.Interop;

namespace Gristmill.Data.Sources.Avro;

/// <summary>Decodes Avro's blocks, each by the worker that goes on with its rows.</summary>
internal sealed class AvroSource(FlowRun run, AvroFileStage files) : WorkSource
{
    public override Schema Schema => files.Schema;

    public override WorkPart? Next() => files.Take(out var number) is AvroBlocks blocks ? new Part(run, files, number, blocks) : null;

    private sealed class Part : WorkPart
    {
        private readonly FlowRun _run;
        private readonly AvroFileStage _files;
        private readonly AvroBlocks _blocks;
        private readonly AvroColumn[] _columns;
        private readonly int[] _order;
        private readonly int _most;
        private byte[] _buffer = ArrayPool<byte>.Shared.Rent(1 << 16);
        private int _length;
        private int _position;
        private int _block = -1;
        private int _rowOfBlock;
        private long _done;

        public Part(FlowRun run, AvroFileStage files, long number, AvroBlocks blocks)
            : base(number)
        {
            (_run, _files, _blocks) = (run, files, blocks);
            var columns = blocks.Header.Columns;
            _columns = [.. columns.Select(static column => column.Type.Open())];
            // The first file has said which column is where.
            _order = [.. files.Schema.FieldsList.Select(field => Enumerable.Range(0, columns.Count).First(i => columns[i].Name == field.Name))];
            _most = (int)Math.Clamp(run.Shares.Block / Math.Max(1, columns.Sum(static column => column.Type.Width)), 1, Math.Min(BlockSize.Rows, blocks.Rows));
        }

        public override Block? Take()
        {
            if (!Advance())
            {
                return null;
            }

            _run.Token.ThrowIfCancellationRequested();
            var memory = new BlockMemory(_run.Memory);
            try
            {
                foreach (var column in _columns)
                {
                    column.Builder.Begin(memory, _most);
                }

                // What lists and texts add to what is there from the start.
                var (rows, enough) = (0, memory.Bytes + _run.Shares.Block);
                do
                {
                    rows += Decode(rows, memory, enough);
                }
                while (rows < _most && memory.Bytes < enough && Advance());

                var batch = new RecordBatch(_files.Schema, [.. _order.Select(i => _columns[i].Builder.Build(rows))], rows);
                var block = new Block(batch, memory) { FirstRow = _blocks.FirstRow + _done };
                _done += rows;
                return block;
            }
            catch
            {
                memory.Release();
                throw;
            }
        }

        public override void Dispose()
        {
            _blocks.Release();
            ArrayPool<byte>.Shared.Return(Interlocked.Exchange(ref _buffer, []));
        }

        /// <summary>Unpacks the next block if that at hand is read.</summary>
        /// <returns>Whether there is a row.</returns>
        private bool Advance()
        {
            while (_block < 0 || (_block < _blocks.Parts.Count && _rowOfBlock == _blocks.Parts[_block].Rows))
            {
                if (_block >= 0 && _position < _length)
                {
                    throw Damaged(new InvalidDataException(FormattableString.Invariant($"{_length - _position} bytes follow its last row")), null);
                }

                if (++_block == _blocks.Parts.Count)
                {
                    return false;
                }

                try
                {
                    (_rowOfBlock, _position) = (0, 0);
                    _length = _blocks.Header.Codec.Unpack(_blocks.Parts[_block].Data.Span, ref _buffer);
                }
                catch (InvalidDataException e)
                {
                    throw Damaged(e, null);
                }
            }

            return _block < _blocks.Parts.Count;
        }

        /// <summary>Reads rows of the block at hand behind those that are there, until the columns are full.</summary>
        private int Decode(int first, BlockMemory memory, long enough)
        {
            var cursor = new AvroCursor(_buffer.AsSpan(_position, _length - _position));
            var (row, column) = (first, 0);
            var end = Math.Min(_most, first + _blocks.Parts[_block].Rows - _rowOfBlock);
            try
            {
                for (; row < end && memory.Bytes < enough; row++)
                {
                    for (column = 0; column < _columns.Length; column++)
                    {
                        _columns[column].Read(ref cursor, row);
                    }
                }
            }
            catch (Exception e) when (e is InvalidDataException or GristmillException { Code: ErrorCodes.BadValue })
            {
                _rowOfBlock += row - first;
                throw Damaged(e, _blocks.Header.Columns[column].Name);
            }

            _position += cursor.Position;
            _rowOfBlock += row - first;
            return row - first;
        }

        private GristmillException Damaged(Exception e, string? column)
        {
            var block = _blocks.Parts[_block];
            var where = FormattableString.Invariant($"block {block.Number}");
            if (column is null)
            {
                return _files.Damaged(_blocks.File, new InvalidDataException($"{where}: {e.Message}", e)).With("block", block.Number.ToString(CultureInfo.InvariantCulture));
            }

            var row = (block.FirstRow + _rowOfBlock).ToString(CultureInfo.InvariantCulture);
            return _files.Damaged(_blocks.File, new InvalidDataException($"{where}, row {row}, column '{column}': {e.Message}", e))
                .With("block", block.Number.ToString(CultureInfo.InvariantCulture)).With("row", row).With("column", column);
        }
    }
}
