using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using Apache.Arrow;
using Gristmill.Data.Execution;
using Gristmill.Data.Interop;
using Npgsql;

namespace Gristmill.Data.Sources.Postgres;

/// <summary>Reads a binary COPY, value by value from the connection's bytes into the columns of a block. One transaction that changes nothing: rows are of one moment.</summary>
internal sealed class PostgresStage : Stage, IDisposable
{
    private static readonly byte[] s_signature = [.. "PGCOPY\n"u8, 0xFF, 0x0D, 0x0A, 0];
    private readonly FlowRun _run;
    private readonly PostgresNode _node;
    private readonly NpgsqlConnection _connection;
    private PostgresColumn[] _columns = [];
    private Schema? _schema;
    private NpgsqlRawCopyStream? _copy;
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(1 << 18);
    private int _start;
    private int _end;
    private long _rows;
    private bool _done;

    private PostgresStage(FlowRun run, PostgresNode node) => (_run, _node, _connection) = (run, node, node.Connection.Open(run.Token));

    public override Schema Schema => _schema!;

    public static PostgresStage Open(FlowRun run, PostgresNode node)
    {
        var stage = run.Own(new PostgresStage(run, node));
        stage.Try(stage.Prepare);
        return stage;
    }

    public void Dispose()
    {
        try
        {
            if (_copy is not null && !_done)
            {
                // Else the rest of the table would be read to be thrown away.
                _copy.Cancel();
            }

            _connection.Dispose();
        }
        catch (Exception e) when (e is NpgsqlException or OperationCanceledException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The connection is broken, and with it ends all there was on the server.
            _connection.Dispose();
        }

        ArrayPool<byte>.Shared.Return(Interlocked.Exchange(ref _buffer, []));
    }

    protected override Block? Next()
    {
        _run.Token.ThrowIfCancellationRequested();
        Block? block = null;
        Try(() => block = Read());
        return block;
    }

    private void Prepare()
    {
        Execute("begin isolation level repeatable read read only");
        using (var command = new NpgsqlCommand($"select * from (\n{_node.Query}\n) as source limit 0", _connection))
        using (var reader = command.ExecuteReaderAsync(System.Data.CommandBehavior.SchemaOnly, _run.Token).GetAwaiter().GetResult())
        {
            _columns = [.. reader.GetColumnSchema().Select(PostgresColumn.Of)];
        }

        if (_columns.Length == 0 || _columns.GroupBy(static column => column.Name).Any(static group => group.Count() > 1))
        {
            throw new GristmillException(ErrorCodes.Invalid, $"{char.ToUpperInvariant(_node.Shown[0])}{_node.Shown[1..]} gives {(_columns.Length == 0 ? "no columns" : "two columns of one name")}.",
                "Give each column a name of its own with AS.");
        }

        _schema = new Schema([.. _columns.Select(static column => new Field(column.Name, column.Builder.Type, nullable: true))], null);
    }

    private Block? Read()
    {
        if (_done)
        {
            return null;
        }

        if (_copy is null)
        {
            _copy = _connection.BeginRawBinaryCopyAsync($"copy (\n{_node.Query}\n) to stdout (format binary)", _run.Token).GetAwaiter().GetResult();
            if (!Bytes(s_signature.Length).SequenceEqual(s_signature))
            {
                throw Broken();
            }

            Bytes(4);
            Bytes(BinaryPrimitives.ReadInt32BigEndian(Bytes(4)));
        }

        var memory = new BlockMemory(_run.Memory);
        try
        {
            foreach (var column in _columns)
            {
                column.Builder.Begin(memory, BlockSize.Rows);
            }

            var (rows, bytes) = (0, 0L);
            while (rows < BlockSize.Rows && bytes < _run.Shares.Block && !_done)
            {
                var fields = BinaryPrimitives.ReadInt16BigEndian(Bytes(2));
                if (fields == -1)
                {
                    _done = true;
                    Drain();
                    break;
                }

                bytes += fields == _columns.Length ? Row(rows) : throw Broken();
                rows++;
            }

            _rows += rows;
            if (rows == 0)
            {
                memory.Release();
                return null;
            }

            return new Block(new RecordBatch(Schema, [.. _columns.Select(column => column.Builder.Build(rows))], rows), memory);
        }
        catch
        {
            memory.Release();
            throw;
        }
    }

    private long Row(int row)
    {
        var bytes = 0L;
        foreach (var column in _columns)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(Bytes(4));
            if (length < 0)
            {
                column.Builder.SetNull(row);
                continue;
            }

            if (!column.Set(row, Bytes(length)))
            {
                var number = (_rows + row).ToString(CultureInfo.InvariantCulture);
                throw new GristmillException(ErrorCodes.BadValue, $"{char.ToUpperInvariant(_node.Shown[0])}{_node.Shown[1..]}, column '{column.Name}', row {number}: the {column.Type} is out of the range of {SchemaChange.Text(column.Builder.Type)}.",
                    $"Cast or round it in a query, such as {column.Name}::text; a numeric without a scale is read with 10 digits behind the point.").With("column", column.Name).With("row", number);
            }

            bytes += length + 4;
        }

        return bytes;
    }

    /// <summary>The next bytes, valid until the next call.</summary>
    private ReadOnlySpan<byte> Bytes(int count)
    {
        if (count < 0)
        {
            throw Broken();
        }

        if (count > _end - _start)
        {
            var rest = _end - _start;
            var target = count <= _buffer.Length ? _buffer : ArrayPool<byte>.Shared.Rent(count);
            _buffer.AsSpan(_start, rest).CopyTo(target);
            if (target != _buffer)
            {
                ArrayPool<byte>.Shared.Return(_buffer);
            }

            (_buffer, _start, _end) = (target, 0, rest);
            while (_end < count)
            {
                var read = Receive(_buffer.AsMemory(_end));
                _end += read > 0 ? read : throw Broken();
            }
        }

        var bytes = _buffer.AsSpan(_start, count);
        _start += count;
        return bytes;
    }

    // Whatever has not come yet can be cancelled; what has is there at once.
    private int Receive(Memory<byte> buffer) => _copy!.ReadAsync(buffer, _run.Token).AsTask().GetAwaiter().GetResult();

    /// <summary>The server says only behind the last row whether all went well.</summary>
    private void Drain()
    {
        while (Receive(_buffer) > 0)
        {
        }

        _copy!.Dispose();
        Execute("commit");
    }

    private void Execute(string statement)
    {
        using var command = new NpgsqlCommand(statement, _connection);
        command.ExecuteNonQueryAsync(_run.Token).GetAwaiter().GetResult();
    }

    private void Try(Action work)
    {
        try
        {
            work();
        }
        catch (PostgresException e)
        {
            throw new GristmillException(ErrorCodes.Sql, $"PostgreSQL refuses {_node.Shown}: {e.MessageText} (SQLSTATE {e.SqlState}).", e.Hint ?? "Look at the names of tables and columns, and at what the user may read.");
        }
        catch (Exception e) when (e is NpgsqlException or IOException or TimeoutException)
        {
            throw new GristmillException(ErrorCodes.SourceUnavailable, $"The connection to PostgreSQL ({_node.Connection}) broke off while {_node.Shown} was read.", "Run again once the server is there.");
        }
    }

    private GristmillException Broken() => new(ErrorCodes.SourceUnavailable, $"What PostgreSQL sends of {_node.Shown} breaks off.", "Run again.");
}
