using System.Text.Json.Serialization;
using Gristmill.Objects;

namespace Gristmill.Testing;

public sealed class RowsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gristmill-rows-").FullName;
    private readonly ObjectStore _store;

    public RowsTests() => _store = ObjectStore.Open(new ObjectStoreOptions { Directory = _folder });

    public void Dispose()
    {
        _store.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void Every_type_comes_back_as_it_went_in()
    {
        Everything[] rows =
        [
            new("ä", true, 1, -2, 3, -4, 5, 6, 7, 8, 0.5f, 0.25, new DateOnly(2001, 4, 1), new DateTime(2001, 4, 1, 12, 30, 0), new DateTimeOffset(2001, 4, 1, 12, 30, 0, TimeSpan.Zero),
                Colour.Red, [1.5, 2.5], 9),
            new(null, null, 0, 0, 0, 0, 0, 0, 0, 0, float.NaN, null, null, null, null, Colour.Blue, null, 0),
        ];

        var read = RowReader.Read(_store, RowWriter.Write(_store, rows));

        Assert.Equal(rows.Length, read.Count);
        Assert.Equal("ä", read[0]["text"]);
        Assert.Equal(new DateOnly(2001, 4, 1), read[0]["date"]);
        Assert.Equal(new DateTime(2001, 4, 1, 12, 30, 0), read[0]["local"]);
        Assert.Equal(new DateTimeOffset(2001, 4, 1, 12, 30, 0, TimeSpan.Zero), read[0]["instant"]);
        Assert.Equal("Red", read[0]["colour"]);
        Assert.Equal(new object?[] { 1.5, 2.5 }, read[0]["list"]);
        Assert.Equal(9, read[0]["own_name"]);
        Assert.Null(read[1]["list"]);
        Assert.Null(read[1]["flag"]);
        var back = RowReader.As<Everything>(read);
        Assert.Equal(rows[0] with { List = null }, back[0] with { List = null });
        Assert.Equal(rows[1], back[1]);
    }

    [Fact]
    public void Dictionaries_are_rows_of_their_keys()
    {
        Dictionary<string, object?>[] rows = [new() { ["a"] = 1L }, new() { ["a"] = null, ["b"] = "x" }];

        var read = RowReader.Read(_store, RowWriter.Write(_store, rows));

        Assert.Equal([1L, null], read.Select(row => row["a"]));
        Assert.Equal([null, "x"], read.Select(row => row["b"]));
    }

    [Fact]
    public void No_rows_are_a_table_too()
    {
        var read = RowWriter.Write(_store, Array.Empty<Everything>());

        Assert.Equal(0, read.Rows);
        Assert.Empty(RowReader.Read(_store, read));
    }

    [Fact]
    public void What_no_table_holds_is_refused_by_name()
    {
        Assert.Contains("'inner'", Assert.Throws<ArgumentException>(() => RowWriter.Write(_store, [new { Inner = new object() }])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => RowWriter.Write(_store, [new object()]));
    }

    private enum Colour
    {
        Red,
        Blue,
    }

    private sealed record Everything(string? Text, bool? Flag, sbyte I8, short I16, int I32, long I64, byte U8, ushort U16, uint U32, ulong U64, float F32, double? F64,
        DateOnly? Date, DateTime? Local, DateTimeOffset? Instant, Colour Colour, double[]? List, [property: JsonPropertyName("own_name")] int Named);
}
