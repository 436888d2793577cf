using System.Globalization;
using System.Text;
using System.Text.Json;
using Apache.Arrow;
using Apache.Arrow.Types;
using CsCheck;
using static Gristmill.Engines.Tables;

namespace Gristmill.Engines;

public sealed class FeatureEncoderRowsTests
{
    private static readonly string?[] Words = ["ATL", "", "é", "a\"b\\c", "\u0001", "日本語", "a text that is longer than sixteen bytes", "🛫", "b", null];

    private static readonly FeatureEncoder Small = Fit(
        Of(("x", Doubles(1, 2)), ("o", Strings("a", "b")), ("b", Booleans(true, false)), ("t", Timestamps(TimeUnit.Second, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch))), null,
        Spec(TransformKind.Number, "x"), Spec(TransformKind.Category, "o"), Spec(TransformKind.Impute, "b"), Spec(TransformKind.DateParts, "t") with { Parts = ["day", "hour"] });

    [Fact]
    public void A_row_may_come_in_any_order_with_escapes_and_without_what_is_imputed()
    {
        Assert.Equal([2.5f, 2, 1, 2, 3], Row(Small, """{"x":2.5,"o":"b","b":true,"t":"1970-01-02T03:04:05Z"}"""));
        Assert.Equal([-0.5f, 1, 0, 1, 22], Row(Small, """{ "t" : "1970-01-02T03:00:00+05:00", "b":false, "o":"\u0061", "\u0078":-5e-1 }"""));
        Assert.Equal([1, 0, 0.5f, 2, 0], Row(Small, """{"t":"1970-01-02","o":null,"x":1}"""));
    }

    [Theory]
    [InlineData("""{"x":1,"o":"a","b":true,"t":"1970-01-02","oo":1}""", ErrorCodes.UnknownColumn, "oo", "the model takes 'x', 'o', 'b', 't'")]
    [InlineData("""{"o":"a","b":true,"t":"1970-01-02"}""", ErrorCodes.UnknownColumn, "x", "is missing")]
    [InlineData("""{"x":1,"x":2,"t":"1970-01-02"}""", ErrorCodes.Invalid, "x", "twice")]
    [InlineData("""{"x":"1","t":"1970-01-02"}""", ErrorCodes.TypeMismatch, "x", "the text \"1\"; a number is wanted")]
    [InlineData("""{"x":true,"t":"1970-01-02"}""", ErrorCodes.TypeMismatch, "x", "true")]
    [InlineData("""{"x":[1],"t":"1970-01-02"}""", ErrorCodes.TypeMismatch, "x", "an array")]
    [InlineData("""{"x":1,"o":5,"t":"1970-01-02"}""", ErrorCodes.TypeMismatch, "o", "the number 5; text is wanted")]
    [InlineData("""{"x":1,"b":1,"t":"1970-01-02"}""", ErrorCodes.TypeMismatch, "b", "true or false is wanted")]
    [InlineData("""{"x":1,"t":"yesterday"}""", ErrorCodes.TypeMismatch, "t", "an instant")]
    [InlineData("""{"x":1,"t":12}""", ErrorCodes.TypeMismatch, "t", "an instant")]
    [InlineData("""{"x":1,"t":null}""", ErrorCodes.BadValue, "t", "null")]
    [InlineData("""{"x":null,"t":"1970-01-02"}""", ErrorCodes.BadValue, "x", "null or NaN")]
    [InlineData("""{"x":"NaN","t":"1970-01-02"}""", ErrorCodes.BadValue, "x", "null or NaN")]
    [InlineData("""{"x":"Infinity","t":"1970-01-02"}""", ErrorCodes.BadValue, "x", "Infinity")]
    [InlineData("""{"x":1e300,"t":"1970-01-02"}""", ErrorCodes.BadValue, "x", "1E+300")]
    [InlineData("""{"x":1e999,"t":"1970-01-02"}""", ErrorCodes.BadValue, "x", "32-bit float")]
    [InlineData("""{"x":1,"o":"\ud800","t":"1970-01-02"}""", ErrorCodes.BadValue, "o", "surrogate")]
    public void Wrong_rows_are_refused_with_the_field(string json, string code, string field, string part)
    {
        var error = Assert.Throws<GristmillException>(() => Row(Small, json, 7));
        Assert.Equal(code, error.Code);
        Assert.Equal(field, error.Error.Details["column"]);
        Assert.Equal("7", error.Error.Details["row"]);
        Assert.Contains(part, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[1]")]
    [InlineData("5")]
    [InlineData("""{"x":1,""")]
    [InlineData("""{"x":01}""")]
    [InlineData("""{"\ud800":01}""")]
    public void What_is_no_row_is_refused(string json)
    {
        var error = Assert.Throws<GristmillException>(() => Row(Small, json));
        Assert.Contains(error.Code, (string[])[ErrorCodes.Invalid, ErrorCodes.TypeMismatch, ErrorCodes.UnknownColumn]);
    }

    [Fact]
    public void A_row_allocates_nothing()
    {
        var json = """{"x":2.5,"o":"b\n","b":true,"t":"1970-01-02T03:04:05Z"}"""u8.ToArray();
        var features = new float[Small.Width];
        void Once()
        {
            var reader = new Utf8JsonReader(json);
            reader.Read();
            Small.EncodeRow(ref reader, features);
        }

        for (var i = 0; i < 100; i++)
        {
            Once();
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            Once();
        }

        // Tiered compilation may box or allocate once while it replaces a method; a row that allocated would show 24,000 bytes at least.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4_000);
    }

    [Fact]
    public void Rows_and_tables_give_the_same_bits()
    {
        var number = Gen.OneOf<double?>(Gen.Double[-1e6, 1e6].Select(d => (double?)d), Gen.Int[-5, 5].Select(i => (double?)i), Gen.Const((double?)null), Gen.Const((double?)double.NaN), Gen.Const((double?)-0.0));
        var whole = Gen.OneOf<long?>(Gen.Long.Select(l => (long?)l), Gen.Long[-3, 3].Select(l => (long?)l), Gen.Const((long?)null));
        var instant = Gen.OneOf<DateTimeOffset?>(
            Gen.Long[DateTime.MinValue.Ticks / 10, (DateTime.MaxValue.Ticks / 10) - 1].Select(m => (DateTimeOffset?)new DateTimeOffset(m * 10, TimeSpan.Zero)),
            Gen.Int[0, 3].Select(d => (DateTimeOffset?)DateTimeOffset.UnixEpoch.AddDays(d)));
        var row = Gen.Select(number, whole, Gen.Int[0, Words.Length - 1].Select(w => Words[w]), Gen.Int[0, 2].Select(b => b == 2 ? (bool?)null : b == 1), instant,
            (x, i, o, b, t) => (X: x, I: i, O: o, B: b, T: t));
        Gen.Select(row.Array[2, 40], row.Array[1, 20], Gen.Int[0, 3]).Sample((training, rows, shape) =>
        {
            // A value of each column, so that there is something to fit.
            training = [.. training, (1.5, 1, "ATL", true, DateTimeOffset.UnixEpoch)];
            var encoder = Fit(Table(training, shape), "y",
                Spec(TransformKind.Impute, "x"), Spec(TransformKind.Standardise, "x"), Spec(TransformKind.Bucketise, "x"), Spec(TransformKind.Category, "x"),
                Spec(TransformKind.Impute, "i") with { Strategy = "median" }, Spec(TransformKind.Category, "i"), Spec(TransformKind.Hash, "i"),
                Spec(TransformKind.Category, "o"), Spec(TransformKind.OneHot, "o"), Spec(TransformKind.Hash, "o"), Spec(TransformKind.TargetEncode, "o", "i", "b"),
                Spec(TransformKind.Impute, "b"), Spec(TransformKind.Category, "b"), Spec(TransformKind.DateParts, "t"), Spec(TransformKind.Category, "t"), Spec(TransformKind.Hash, "t"));
            var loaded = FeatureEncoder.Load(encoder.Save());
            var table = encoder.Encode(Table(rows, shape));
            Assert.True(table.AsSpan().SequenceEqual(loaded.Encode(Table(rows, shape))));
            var middle = rows.Length / 2;
            Assert.True(table.AsSpan(middle * encoder.Width).SequenceEqual(encoder.Encode(Table(rows, shape).Slice(middle, rows.Length - middle))), "a slice gives other bits");
            for (var r = 0; r < rows.Length; r++)
            {
                var features = Row(loaded, Json(rows[r], shape));
                for (var f = 0; f < features.Length; f++)
                {
                    Assert.True(BitConverter.SingleToInt32Bits(table[(r * features.Length) + f]) == BitConverter.SingleToInt32Bits(features[f]),
                        $"{encoder.Features[f]}: table {table[(r * features.Length) + f]:R}, row {features[f]:R} of {Json(rows[r], shape)}");
                }
            }
        }, iter: 300);
    }

    // The four shapes store the same values as other Arrow types.
    private static RecordBatch Table((double? X, long? I, string? O, bool? B, DateTimeOffset? T)[] rows, int shape) => Of(
        ("x", shape switch
        {
            1 => Floats([.. rows.Select(r => (float?)r.X)]),
            _ => Doubles([.. rows.Select(r => r.X)]),
        }),
        ("i", Longs([.. rows.Select(r => r.I)])),
        ("o", shape == 2 ? Coded(Words, [.. rows.Select(r => (int?)System.Array.IndexOf(Words, r.O))]) : Strings([.. rows.Select(r => r.O)])),
        ("b", Booleans([.. rows.Select(r => r.B)])),
        ("t", Timestamps(TimeUnit.Microsecond, [.. rows.Select(r => r.T)])),
        ("y", Doubles([.. rows.Select((_, i) => (double?)(i % 3))])));

    private static string Json((double? X, long? I, string? O, bool? B, DateTimeOffset? T) row, int shape)
    {
        var x = row.X is null ? "null" : double.IsNaN(row.X.Value) ? "\"NaN\""
            : shape == 1 ? ((float)row.X.Value).ToString("R", CultureInfo.InvariantCulture) : row.X.Value.ToString("R", CultureInfo.InvariantCulture);
        var i = row.I is null ? "null" : row.I.Value.ToString(CultureInfo.InvariantCulture);
        var b = row.B is null ? "null" : row.B.Value ? "true" : "false";
        return $$"""{"t":"{{row.T:O}}","x":{{x}},"i":{{i}},"o":{{JsonSerializer.Serialize(row.O)}},"b":{{b}}}""";
    }

    private static float[] Row(FeatureEncoder encoder, string json, long number = 0)
    {
        var features = new float[encoder.Width];
        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(json));
        reader.Read();
        encoder.EncodeRow(ref reader, features, number);
        Assert.Equal(JsonTokenType.EndObject, reader.TokenType);
        return features;
    }
}
