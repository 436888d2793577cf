namespace Gristmill.Engines.Sql.Interop;

/// <summary>How far the scans of a query are; DuckDB itself does not know for table functions.</summary>
internal sealed class ScanProgress
{
    private long _total;
    private long _scanned;

    /// <summary>Rows that scans begun so far will read.</summary>
    public long Total => Interlocked.Read(ref _total);

    /// <summary>Rows read.</summary>
    public long Scanned => Interlocked.Read(ref _scanned);

    public void Begin(long rows) => Interlocked.Add(ref _total, rows);

    public void Advance(long rows) => Interlocked.Add(ref _scanned, rows);

    /// <summary>0 to 1, or null while nothing is scanned.</summary>
    public double? Fraction => Total is > 0 and var total ? Math.Min(1, (double)Scanned / total) : null;
}
