using System.Globalization;
using Apache.Arrow;
using DuckDB.NET.Native;

namespace Gristmill.Engines.Sql.Interop;

/// <summary>What a registered scan reads. Safe for many threads once made.</summary>
internal abstract class ScanTable(Schema schema) : IDisposable
{
    private int _disposed;
    private int _bindings;

    public Schema Schema { get; } = schema;

    /// <summary>The connection it is registered on; valid while the function is.</summary>
    public nint Connection { get; set; }

    public int Threads { get; set; } = 1;

    public ScanProgress? Progress { get; set; }

    /// <summary>What goes before a column's number to be its name in SQL; null: columns have their own names, which must then be different without regard to case.</summary>
    public string? ColumnPrefix { get; set; }

    /// <summary>DuckDB's types of the columns.</summary>
    public DuckDBLogicalType[] Types { get; set; } = [];

    /// <summary>Whether a column with each row's label follows those of the schema.</summary>
    public virtual bool HasLabel => false;

    /// <summary>Rows, or null where they are not known.</summary>
    public abstract long? Cardinality { get; }

    /// <summary>Threads that can scan it at once.</summary>
    public abstract int MaxThreads { get; }

    /// <summary>How often statements prepared so far name it.</summary>
    public int Bindings => Volatile.Read(ref _bindings);

    protected bool IsDisposed => Volatile.Read(ref _disposed) != 0;

    /// <summary>What a column is called in SQL.</summary>
    public string NameOf(int column) => ColumnPrefix is { } prefix ? string.Create(CultureInfo.InvariantCulture, $"{prefix}{column}") : Schema.GetFieldByIndex(column).Name;

    public void Bound() => Interlocked.Increment(ref _bindings);

    /// <summary>Begins a scan.</summary>
    /// <param name="columns">Of each column of the output, its number in the schema; numbers beyond stand for other things.</param>
    public abstract IScanState Open(ulong[] columns);

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        Free();
        foreach (var type in Types)
        {
            type.Dispose();
        }
    }

    protected abstract void Free();
}

/// <summary>One scan of a table, by several threads.</summary>
internal interface IScanState : IDisposable
{
    /// <summary>Fills a chunk of DuckDB's with the next rows; none end the scan.</summary>
    void Next(nint output);
}
