using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using Gristmill.Data.Execution;
using Npgsql;

namespace Gristmill.Data.Sources.Postgres;

/// <summary>Reads a binary COPY, value by value from the connection's bytes into the columns of a block. One transaction that changes nothing: rows are of one moment.</summary>
internal sealed class PostgresStage : RowStage, IDisposable
{
    private static readonly byte[] s_signature = [.. "PGCOPY\n"u8, 0xFF, 0x0D, 0x0A, 0];
    private readonly PostgresNode _node;
    private readonly NpgsqlConnection _connection;
    private PostgresColumn[] _columns = [];
    private NpgsqlRawCopyStream? _copy;
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(1 << 18);
    private int _start;
    private int _end;
    private bool _done;

    private PostgresStage(FlowRun run, PostgresNode node)
        : base(run) => (_node, _connection) = (node, node.Connection.Open(run.Token));

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
        Block? block = null;
        Try(() => block = base.Next());
        return block;
    }

    protected override long Row(int row)
    {
        if (_done)
        {
            return -1;
        }

        if (_copy is null)
        {
            _copy = _connection.BeginRawBinaryCopyAsync($"copy (\n{_node.Query}\n) to stdout (format binary)", Run.Token).GetAwaiter().GetResult();
            if (!Bytes(s_signature.Length).SequenceEqual(s_signature))
            {
                throw Broken();
            }

            Bytes(4);
            Bytes(BinaryPrimitives.ReadInt32BigEndian(Bytes(4)));
        }

        var fields = BinaryPrimitives.ReadInt16BigEndian(Bytes(2));
        if (fields == -1)
        {
            _done = true;
            Drain();
            return -1;
        }

        return fields == _columns.Length ? Values(row) : throw Broken();
    }

    private void Prepare()
    {
        Execute("begin isolation level repeatable read read only");
        using (var command = new NpgsqlCommand($"select * from (\n{_node.Query}\n) as source limit 0", _connection))
        using (var reader = command.ExecuteReaderAsync(System.Data.CommandBehavior.SchemaOnly, Run.Token).GetAwaiter().GetResult())
        {
            _columns = [.. reader.GetColumnSchema().Select(PostgresColumn.Of)];
        }

        if (_columns.Length == 0 || _columns.GroupBy(static column => column.Name).Any(static group => group.Count() > 1))
        {
            throw new GristmillException(ErrorCodes.Invalid, $"{char.ToUpperInvariant(_node.Shown[0])}{_node.Shown[1..]} gives {(_columns.Length == 0 ? "no columns" : "two columns of one name")}.",
                "Give each column a name of its own with AS.");
        }

        Begin(_columns.Select(static column => column.Name), [.. _columns.Select(static column => column.Builder)]);
    }

    private long Values(int row)
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
                var number = (Rows + row).ToString(CultureInfo.InvariantCulture);
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
    private int Receive(Memory<byte> buffer) => _copy!.ReadAsync(buffer, Run.Token).AsTask().GetAwaiter().GetResult();

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
        command.ExecuteNonQueryAsync(Run.Token).GetAwaiter().GetResult();
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
