namespace Gristmill;

/// <summary>What is done about rows of a CSV file that cannot be read.</summary>
public enum BadRows
{
    /// <summary>The stage fails with the first, and names file, line and reason.</summary>
    Fail = 0,
    /// <summary>They are left out, and counted.</summary>
    Skip = 1,
    /// <summary>They are left out, counted, and a table of their own.</summary>
    Quarantine = 2,
}

/// <summary>A table read from CSV files, with what could not be read of them.</summary>
public sealed class CsvTable : Table
{
    private readonly BadRows _onError;

    internal CsvTable(StageNode node, BadRows onError) : base(node) => _onError = onError;

    /// <summary>"rows" and "badRows", which were left out.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: bad rows fail the stage.</exception>
    public MetricSet Metrics => _onError != BadRows.Fail ? new MetricSet(Node) : throw Fails("are not counted");

    /// <summary>The rows that were left out, as a table of file, line, column, reason and text.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: bad rows fail the stage, or are only left out.</exception>
    public Table Bad => _onError == BadRows.Quarantine ? new Table(Node, "bad") : throw Fails("are no table");

    private static GristmillException Fails(string what) =>
        new(ErrorCodes.Invalid, $"The rows that cannot be read {what}.", "Read with BadRows.Quarantine, or to have them counted only with BadRows.Skip.");
}
