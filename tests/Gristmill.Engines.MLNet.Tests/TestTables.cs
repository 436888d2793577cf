using Apache.Arrow;

namespace Gristmill.Engines.MLNet;

/// <summary>Tables for training: a number, an integer with nulls, a text category, and labels that depend on them.</summary>
internal static class TestTables
{
    private static readonly string[] Kinds = ["ash", "beech", "cedar", "elm", "fir"];

    internal static RecordBatch Trees(int rows, int seed)
    {
        var random = new Random(seed);
        var height = new DoubleArray.Builder();
        var age = new Int32Array.Builder();
        var kind = new StringArray.Builder();
        var tall = new BooleanArray.Builder();
        var weight = new FloatArray.Builder();
        var grade = new StringArray.Builder();
        for (var i = 0; i < rows; i++)
        {
            var (h, a, k) = (random.NextDouble() * 30, random.Next(200), random.Next(Kinds.Length));
            height.Append(h);
            _ = i % 17 == 0 ? age.AppendNull() : age.Append(a);
            kind.Append(Kinds[k]);
            tall.Append(h > 12 ^ k == 2);
            weight.Append((float)((h * 10) + (k * 25)));
            grade.Append(h > 20 ? "high" : k >= 3 ? "mid" : "low");
        }

        IArrowArray[] columns = [height.Build(), age.Build(), kind.Build(), tall.Build(), weight.Build(), grade.Build()];
        string[] names = ["height", "age", "kind", "tall", "weight", "grade"];
        return new RecordBatch(new Schema(names.Zip(columns, (n, c) => new Field(n, c.Data.DataType, true)), null), columns, rows);
    }

    internal static RecordBatch Without(this RecordBatch batch, params string[] names)
    {
        var keep = Enumerable.Range(0, batch.ColumnCount).Where(i => !names.Contains(batch.Schema.FieldsList[i].Name)).ToList();
        return new RecordBatch(new Schema(keep.Select(i => batch.Schema.FieldsList[i]), null), keep.Select(batch.Column), batch.Length);
    }

    internal static RecordBatch Of(params (string Name, IArrowArray Column)[] columns) => new(
        new Schema(columns.Select(c => new Field(c.Name, c.Column.Data.DataType, true)), null), columns.Select(c => c.Column), columns[0].Column.Length);
}
