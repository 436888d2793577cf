using Apache.Arrow;
using DuckDB.NET.Data;
using Gristmill.Engines.Sql.Interop;

namespace Gristmill.Engines.Sql.Tests.Interop;

/// <summary>A database with one scan registered as "scan"().</summary>
internal sealed class ScanDatabase : IDisposable
{
    private readonly DuckDBConnection _connection = new("DataSource=:memory:;threads=2");

    public ScanDatabase(params RecordBatch[] batches) : this(new SegmentTable(batches[0].Schema, batches, owner: null))
    {
    }

    public ScanDatabase(SegmentTable table)
    {
        _connection.Open();
        table.Threads = 2;
        try
        {
            SegmentScan.Register(_connection.NativeConnection, "scan", table);
        }
        catch
        {
            _connection.Dispose();
            throw;
        }
    }

    public object? Scalar(string sql)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar() is var value && value is DBNull ? null : value;
    }

    /// <summary>An expression over all rows, in their order; null is "-".</summary>
    public string Text(string expression)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = $"select ({expression})::varchar from scan()";
        using var reader = command.ExecuteReader();
        var values = new List<string>();
        while (reader.Read())
        {
            values.Add(reader.IsDBNull(0) ? "-" : reader.GetString(0));
        }

        return string.Join('|', values);
    }

    public void Dispose() => _connection.Dispose();
}
