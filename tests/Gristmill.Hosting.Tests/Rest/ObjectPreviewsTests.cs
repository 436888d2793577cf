using System.Text.Json;
using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Objects;

namespace Gristmill.Hosting;

/// <summary>Values of every kind in a preview.</summary>
public sealed class ObjectPreviewsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gristmill-preview-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Values_are_shown_and_long_ones_cut()
    {
        using var store = ObjectStore.Open(new ObjectStoreOptions { Directory = _folder });
        var day = new DateTime(2024, 2, 29, 0, 0, 0, DateTimeKind.Utc);
        var lists = new ListArray.Builder(Int32Type.Default);
        lists.Append();
        ((Int32Array.Builder)lists.ValueBuilder).AppendRange(Enumerable.Range(0, 300));
        var list = lists.Build();
        (Field Field, IArrowArray Values)[] columns =
        [
            (new Field("text", StringType.Default, true), new StringArray.Builder().Append(new string('x', 5000)).Build()),
            (new Field("day", Date32Type.Default, true), new Date32Array.Builder().Append(day).Build()),
            (new Field("nan", DoubleType.Default, true), new DoubleArray.Builder().Append(double.NaN).Build()),
            (new Field("none", Int64Type.Default, true), new Int64Array.Builder().AppendNull().Build()),
            (new Field("bytes", BinaryType.Default, true), new BinaryArray.Builder().Append([1, 2, 3]).Build()),
            (new Field("list", list.Data.DataType, true), list),
            (new Field("far", new TimestampType(TimeUnit.Second, "UTC"), true), new TimestampArray(new TimestampType(TimeUnit.Second, "UTC"), new ArrowBuffer.Builder<long>().Append(long.MaxValue).Build(), ArrowBuffer.Empty, 1, 0, 0)),
            (new Field("next", new TimestampType(TimeUnit.Second, "UTC"), true), new TimestampArray(new TimestampType(TimeUnit.Second, "UTC"), new ArrowBuffer.Builder<long>().Append(300_000_000_000).Build(), ArrowBuffer.Empty, 1, 0, 0)),
            (new Field("word", new DictionaryType(Int8Type.Default, StringType.Default, false), true),
                new DictionaryArray(new DictionaryType(Int8Type.Default, StringType.Default, false), new Int8Array.Builder().Append(1).Build(), new StringArray.Builder().Append("no").Append("yes").Build())),
        ];
        using var writer = store.Create(new Schema(columns.Select(column => column.Field), null));
        writer.Append(new RecordBatch(writer.Schema, columns.Select(column => column.Values), 1));
        var reference = writer.Seal();

        var preview = ObjectPreviews.Read(store, reference.Id, 20);
        Assert.Equal(columns.Select(column => column.Field.Name), preview.Columns);
        var row = Assert.Single(preview.Rows);
        Assert.Equal(new string('x', 1000) + "...", row[0].GetString());
        Assert.Equal("2024-02-29", row[1].GetString());
        Assert.Equal([JsonValueKind.Null, JsonValueKind.Null], [row[2].ValueKind, row[3].ValueKind]);
        Assert.Equal([1, 2, 3], row[4].GetBytesFromBase64());
        Assert.Equal((101, "..."), (row[5].GetArrayLength(), row[5][100].GetString()));
        Assert.All(row.Skip(6).Take(2), value => Assert.StartsWith("(beyond", value.GetString(), StringComparison.Ordinal));
        Assert.Equal("yes", row[8].GetString());
        Assert.Equal(0, store.LiveLeases);
    }
}
