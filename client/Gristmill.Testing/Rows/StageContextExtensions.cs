using Gristmill.Engines;

namespace Gristmill.Testing;

/// <summary>Tables as rows, for stages that a test puts in another's place.</summary>
public static class StageContextExtensions
{
    /// <summary>The rows of an input.</summary>
    /// <param name="stage">What the stage was handed.</param>
    /// <param name="input">The input's name.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: there is no such input, or it is no table.</exception>
    public static IReadOnlyList<TestRow> Rows(this StageContext stage, string input)
    {
        ArgumentNullException.ThrowIfNull(stage);
        using var lease = stage.Dataset(input);
        return RowReader.Read(lease.Schema, lease.Batches);
    }

    /// <summary>The rows of an input as objects, as JSON would read them.</summary>
    /// <param name="stage">What the stage was handed.</param>
    /// <param name="input">The input's name.</param>
    public static IReadOnlyList<T> Rows<T>(this StageContext stage, string input) => RowReader.As<T>(stage.Rows(input));

    /// <summary>Makes a table of rows, to return from the stage. Columns are as <see cref="TestCluster.Substitute{T}"/> says.</summary>
    /// <param name="stage">What the stage was handed.</param>
    /// <param name="rows">Objects, records or dictionaries.</param>
    public static ObjectRef Table<T>(this StageContext stage, IEnumerable<T> rows)
    {
        ArgumentNullException.ThrowIfNull(stage);
        ArgumentNullException.ThrowIfNull(rows);
        return RowWriter.Write(stage.Objects, rows);
    }

    /// <summary>The rows of a table that a stage was handed.</summary>
    /// <param name="dataset">The table.</param>
    public static IReadOnlyList<TestRow> ReadRows(this Dataset dataset)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        return RowReader.Read(dataset.Schema, dataset.Batches);
    }
}
