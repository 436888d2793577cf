using Apache.Arrow;
using Apache.Arrow.Types;
using static Gristmill.Engines.Tables;

namespace Gristmill.Engines;

public sealed class FeatureEncoderTests
{
    [Fact]
    public void Numbers_pass_and_null_is_refused_with_column_and_row()
    {
        var encoder = Fit(Of(("x", Doubles(1, 2.5))), null, Spec(TransformKind.Number, "x"));
        Assert.Equal([3, -4], encoder.Encode(Of(("x", Doubles(3, -4)))));
        foreach (var bad in new double?[] { null, double.NaN })
        {
            var error = Assert.Throws<GristmillException>(() => encoder.Encode(Of(("x", Doubles(3, bad)))));
            Assert.Equal(ErrorCodes.BadValue, error.Code);
            Assert.Equal("Column 'x', row 1: the value is null or NaN.", error.Message);
            Assert.Equal("x", error.Error.Details["column"]);
            Assert.Equal("1", error.Error.Details["row"]);
        }

        Assert.Equal(ErrorCodes.BadValue, Assert.Throws<GristmillException>(() => encoder.Encode(Of(("x", Doubles(1e300))))).Code);
    }

    [Theory]
    [InlineData("mean", null, 4.25f)]
    [InlineData("median", null, 3f)]
    [InlineData("constant", -1.5, -1.5f)]
    [InlineData(null, null, 4.25f)]
    public void Impute_fills_null_and_nan(string? strategy, double? value, float expected)
    {
        var encoder = Fit(Of(("x", Doubles(1, null, 2, 4, double.NaN, 10))), null,
            Spec(TransformKind.Impute, "x") with { Strategy = strategy, Value = value });
        Assert.Equal([7, expected, expected], encoder.Encode(Of(("x", Doubles(7, null, double.NaN)))));
        Assert.True(encoder.Inputs[0].Nullable);
    }

    [Fact]
    public void Standardise_uses_the_population_deviation_and_imputes_the_mean()
    {
        var encoder = Fit(Of(("x", Doubles(2, 4, 4, 4, 5, 5, 7, 9, null)), ("c", Doubles(3, 3, 3, 3, 3, 3, 3, 3, 3))), null,
            Spec(TransformKind.Standardise, "x"), Spec(TransformKind.Standardise, "c"));
        Assert.Equal([2, 0, 0, 1, -1.5f, -1], encoder.Encode(Of(("x", Doubles(9, null, 2)), ("c", Doubles(3, 4, 2)))));
    }

    [Fact]
    public void Categories_are_numbered_by_falling_frequency_then_by_value()
    {
        var encoder = Fit(Of(("o", Strings("b", "c", "a", "c", null, "é", "a"))), null, Spec(TransformKind.Category, "o"));
        Assert.Equal([1, 2, 3, 4, 0, 0], encoder.Encode(Of(("o", Strings("a", "c", "b", "é", "zz", null)))));
        Assert.Equal(5, encoder.Features[0].Categories);
    }

    [Fact]
    public void A_dictionary_meets_the_codes_of_plain_text()
    {
        var plain = Fit(Of(("o", Strings("b", "c", "a", "c", null, "a"))), null, Spec(TransformKind.Category, "o"));
        var coded = Fit(Of(("o", Coded(["unused", "c", "a", "b", null], 3, 1, 2, 1, null, 2))), null, Spec(TransformKind.Category, "o"));
        Assert.Equal(plain.Save(), coded.Save());
        Assert.Equal([0, 2, 1, 0, 0], plain.Encode(Of(("o", Coded(["unused", "c", "a", null], 0, 1, 2, 3, null)))));
    }

    [Fact]
    public void Numbers_booleans_and_instants_can_be_categories()
    {
        var day = new DateTimeOffset(2001, 4, 1, 12, 30, 0, TimeSpan.Zero);
        var batch = Of(
            ("i", Longs(9007199254740993, 9007199254740992, 9007199254740993)), ("d", Doubles(0.5, 1, 1)),
            ("b", Booleans(false, true, true)), ("t", Timestamps(TimeUnit.Second, day, day, day.AddHours(1))));
        var encoder = Fit(batch, null, [.. "idbt".Select(c => Spec(TransformKind.Category, c.ToString()))]);
        var loaded = FeatureEncoder.Load(encoder.Save());
        Assert.Equal([1, 2, 2, 1, 2, 1, 1, 1, 1, 1, 1, 2], encoder.Encode(batch));
        Assert.Equal(encoder.Encode(batch), loaded.Encode(batch));

        // The unit of an instant and the width of a number are no part of the value.
        Assert.Equal([2, 1], Fit(Of(("t", Timestamps(TimeUnit.Nanosecond, day, day.AddDays(1), day.AddDays(1)))), null, Spec(TransformKind.Category, "t"))
            .Encode(Of(("t", Timestamps(TimeUnit.Second, day, day.AddDays(1))))));
    }

    [Fact]
    public void Target_encoding_blends_the_mean_of_a_key_with_the_overall_mean()
    {
        var batch = Of(("o", Strings("a", "a", "a", "b")), ("late", Booleans(true, true, false, false)));
        var encoder = Fit(batch, "late", Spec(TransformKind.TargetEncode, "o") with { Smoothing = 2 });

        // a: (2 + 2 * .5) / (3 + 2); b: (0 + 2 * .5) / (1 + 2); unseen and null: .5.
        Assert.Equal([0.6f, (float)(1 / 3.0), 0.5f, 0.5f], encoder.Encode(Of(("o", Strings("a", "b", "x", null)))));

        var byDefault = Fit(batch, "late", Spec(TransformKind.TargetEncode, "o"));
        Assert.Equal((float)(27.0 / 53), byDefault.Encode(Of(("o", Strings("a"))))[0]);
    }

    [Fact]
    public void Target_encoding_of_several_columns_makes_one_key()
    {
        var batch = Of(("o", Strings("a", "a", "b", "a")), ("d", Strings("x", "y", "x", "x")), ("h", Longs(1, 1, 1, 2)), ("y", Doubles(1, 2, 3, 6)));
        var encoder = Fit(batch, "y", Spec(TransformKind.TargetEncode, "o", "d") with { Smoothing = 0 }, Spec(TransformKind.TargetEncode, "o", "d", "h") with { Smoothing = 0 });
        var probe = Of(("o", Strings("a", "b", "b", null)), ("d", Strings("x", "x", "y", "x")), ("h", Longs(2, 1, 1, 1)));
        float[] expected = [3.5f, 6, 3, 3, 3, 3, 3, 3];
        Assert.Equal(expected, encoder.Encode(probe));
        Assert.Equal(expected, FeatureEncoder.Load(encoder.Save()).Encode(probe));
        Assert.Equal("target(o+d)", encoder.Features[0].Name);
    }

    [Fact]
    public void One_hot_writes_a_float_a_frequent_value()
    {
        var encoder = Fit(Of(("o", Strings("a", "b", "b", "c", "c"))), null, Spec(TransformKind.OneHot, "o") with { Buckets = 2 });
        Assert.Equal(["o=b", "o=c"], encoder.Features.Select(f => f.Name));
        Assert.Equal([0, 0, 1, 0, 0, 1, 0, 0], encoder.Encode(Of(("o", Strings("a", "b", "c", null)))));
    }

    [Fact]
    public void Hashes_are_the_documented_ones()
    {
        var encoder = Fit(Of(("o", Strings("a"))), null, Spec(TransformKind.Hash, "o") with { Buckets = 1000 });
        var expected = 1 + (int)(System.IO.Hashing.XxHash3.HashToUInt64("ATL"u8) % 1000);
        Assert.Equal([expected, 0], encoder.Encode(Of(("o", Strings("ATL", null)))));
        Assert.Equal(1001, encoder.Features[0].Categories);
    }

    [Fact]
    public void Buckets_are_cut_at_quantiles()
    {
        var encoder = Fit(Of(("x", Doubles(4, 3, 2, 1, null))), null, Spec(TransformKind.Bucketise, "x") with { Buckets = 4 });
        Assert.Equal([1, 1, 2, 2, 3, 4, 4, 0], encoder.Encode(Of(("x", Doubles(-9, 1, 2, 2.9, 3, 4, 99, double.NaN)))));
        Assert.Equal(5, encoder.Features[0].Categories);
    }

    [Fact]
    public void Date_parts_are_taken_in_utc()
    {
        var sunday = new DateTimeOffset(2001, 4, 1, 23, 59, 30, TimeSpan.Zero);
        foreach (var unit in Enum.GetValues<TimeUnit>())
        {
            var batch = Of(("t", Timestamps(unit, sunday, new DateTimeOffset(1969, 12, 31, 1, 2, 3, TimeSpan.Zero))));
            var encoder = Fit(batch, null, Spec(TransformKind.DateParts, "t"));
            Assert.Equal([2001, 4, 1, 0, 23, 59, 1969, 12, 31, 3, 1, 2], encoder.Encode(batch));
            Assert.Equal("t.weekday", encoder.Features[3].Name);
        }
    }

    [Fact]
    public void Every_number_type_is_read()
    {
        IArrowArray[] columns =
        [
            new Int8Array.Builder().Append(7).AppendNull().Build(), new Int16Array.Builder().Append(7).AppendNull().Build(),
            new Int32Array.Builder().Append(7).AppendNull().Build(), new Int64Array.Builder().Append(7).AppendNull().Build(),
            new UInt8Array.Builder().Append(7).AppendNull().Build(), new UInt16Array.Builder().Append(7).AppendNull().Build(),
            new UInt32Array.Builder().Append(7).AppendNull().Build(), new UInt64Array.Builder().Append(7).AppendNull().Build(),
            new HalfFloatArray.Builder().Append((Half)7).AppendNull().Build(), new FloatArray.Builder().Append(7).AppendNull().Build(),
            new DoubleArray.Builder().Append(7).AppendNull().Build(),
            new Decimal32Array.Builder(new Decimal32Type(9, 2)).Append(7m).AppendNull().Build(),
            new Decimal64Array.Builder(new Decimal64Type(18, 2)).Append(7m).AppendNull().Build(),
            new Decimal128Array.Builder(new Decimal128Type(38, 2)).Append(7m).AppendNull().Build(),
            new Decimal256Array.Builder(new Decimal256Type(76, 2)).Append(7m).AppendNull().Build(),
        ];
        var fitted = Fit(Of(("x", Doubles(7))), null, Spec(TransformKind.Impute, "x") with { Value = -1 }, Spec(TransformKind.Category, "x"));
        foreach (var column in columns)
        {
            Assert.Equal([7, 1, -1, 0], fitted.Encode(Of(("x", column))));
            Assert.Equal([-1, 0], fitted.Encode(Of(("x", ((Apache.Arrow.Array)column).Slice(1, 1)))));
        }
    }

    [Theory]
    [InlineData("0.1")]
    [InlineData("-12345678901234567890123.4567890123")]
    [InlineData("9007199254740993")]
    public void A_decimal_is_the_nearest_double(string text)
    {
        var value = decimal.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
        var batch = Of(("x", new Decimal128Array.Builder(new Decimal128Type(38, 10)).Append(value).Build()));
        Assert.Equal((float)double.Parse(text, System.Globalization.CultureInfo.InvariantCulture), Fit(batch, null, Spec(TransformKind.Number, "x")).Encode(batch)[0]);
    }

    [Fact]
    public void Every_text_type_is_read()
    {
        var fitted = Fit(Of(("o", Strings("a long enough text not to be inlined", "b"))), null, Spec(TransformKind.Category, "o"));
        IArrowArray[] columns =
        [
            new LargeStringArray.Builder().Append("b").AppendNull().Append("a long enough text not to be inlined").Build(),
            new StringViewArray.Builder().Append("b").AppendNull().Append("a long enough text not to be inlined").Build(),
            Strings("b", null, "a long enough text not to be inlined"),
        ];
        foreach (var column in columns)
        {
            Assert.Equal([2, 0, 1], fitted.Encode(Of(("o", column))));
            Assert.Equal([0, 1], fitted.Encode(Of(("o", ((Apache.Arrow.Array)column).Slice(1, 2)))));
        }
    }

    [Fact]
    public void A_column_of_nulls_alone_fits_any_type()
    {
        var encoder = Fit(Of(("x", Doubles(1, 3)), ("o", Strings("a", "a"))), null, Spec(TransformKind.Impute, "x"), Spec(TransformKind.Category, "o"));
        Assert.Equal([2, 0], encoder.Encode(Of(("x", new NullArray(1)), ("o", new NullArray(1)))));
    }

    [Fact]
    public void Missing_columns_and_other_types_are_named()
    {
        var encoder = Fit(Of(("x", Doubles(1)), ("o", Strings("a"))), null, Spec(TransformKind.Number, "x"), Spec(TransformKind.Category, "o"));
        var missing = Assert.Throws<GristmillException>(() => encoder.Encode(Of(("o", Strings("a")))));
        Assert.Equal(ErrorCodes.UnknownColumn, missing.Code);
        Assert.Contains("'x'", missing.Message, StringComparison.Ordinal);
        var type = Assert.Throws<GristmillException>(() => encoder.Encode(Of(("x", Strings("1")), ("o", Strings("a")))));
        Assert.Equal(ErrorCodes.TypeMismatch, type.Code);
        Assert.Contains("'x'", type.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Plans_that_make_no_sense_are_refused()
    {
        var batch = Of(("x", Doubles(1, 2)), ("o", Strings("a", "b")), ("n", Doubles(null, null)));
        (string Code, TransformSpec Spec)[] cases =
        [
            (ErrorCodes.UnknownColumn, Spec(TransformKind.Number, "zzz")),
            (ErrorCodes.TypeMismatch, Spec(TransformKind.Number, "o")),
            (ErrorCodes.TypeMismatch, Spec(TransformKind.DateParts, "x")),
            (ErrorCodes.Invalid, Spec(TransformKind.Category, "x", "o")),
            (ErrorCodes.Invalid, Spec(TransformKind.TargetEncode, "o")),
            (ErrorCodes.Invalid, Spec(TransformKind.Impute, "x") with { Strategy = "mode" }),
            (ErrorCodes.Invalid, Spec(TransformKind.Impute, "x") with { Strategy = "constant" }),
            (ErrorCodes.Invalid, Spec(TransformKind.Hash, "o") with { Buckets = 0 }),
            (ErrorCodes.Invalid, Spec(TransformKind.Category)),
            (ErrorCodes.BadValue, Spec(TransformKind.Impute, "n")),
        ];
        foreach (var (code, spec) in cases)
        {
            Assert.Equal(code, Assert.Throws<GristmillException>(() => Fit(batch, null, spec)).Code);
        }
    }

    [Fact]
    public void Several_batches_are_one_table_and_rows_count_through()
    {
        RecordBatch[] table = [Of(("x", Doubles(1, 2)), ("y", Doubles(0, 1))), Of(("x", Doubles(3, 6)), ("y", Doubles(1, null)))];
        Assert.Equal([3], FeatureEncoder.Fit(new FeaturePlan([Spec(TransformKind.Impute, "x")]), table, null).Encode(Of(("x", Doubles((double?)null)))));
        var error = Assert.Throws<GristmillException>(() =>
            FeatureEncoder.Fit(new FeaturePlan([Spec(TransformKind.TargetEncode, "x")]), table, "y"));
        Assert.Equal("3", error.Error.Details["row"]);
    }

    [Fact]
    public void Threads_change_nothing()
    {
        var random = new Random(7);
        var batch = Of(
            ("x", Doubles([.. Enumerable.Range(0, 100_000).Select(_ => (double?)random.NextDouble())])),
            ("o", Strings([.. Enumerable.Range(0, 100_000).Select(_ => $"v{random.Next(300)}")])),
            ("y", Booleans([.. Enumerable.Range(0, 100_000).Select(_ => (bool?)(random.Next(2) == 1))])));
        var plan = new FeaturePlan([Spec(TransformKind.Standardise, "x"), Spec(TransformKind.Category, "o"), Spec(TransformKind.TargetEncode, "o")]);
        var one = FeatureEncoder.Fit(plan, [batch], "y");
        var four = FeatureEncoder.Fit(plan, [batch], "y", ModelTask.Binary, 4, CancellationToken.None);
        Assert.Equal(one.Save(), four.Save());
        var matrix = new float[batch.Length * one.Width];
        four.Encode(batch, matrix.AsMemory(), 4, CancellationToken.None);
        Assert.Equal(one.Encode(batch), matrix);
        Assert.Throws<OperationCanceledException>(() => four.Encode(batch, matrix.AsMemory(), 4, new CancellationToken(true)));
    }

    [Fact]
    public void Damaged_files_are_refused()
    {
        var encoder = Fit(Of(("x", Doubles(1, 2)), ("o", Strings("a", "b")), ("y", Doubles(1, 0))), "y",
            Spec(TransformKind.Standardise, "x"), Spec(TransformKind.TargetEncode, "o", "x"), Spec(TransformKind.Bucketise, "x"), Spec(TransformKind.OneHot, "o"));
        var json = System.Text.Encoding.UTF8.GetString(encoder.Save());
        var random = new Random(1);
        for (var i = 0; i < 2000; i++)
        {
            var at = random.Next(json.Length);
            var damaged = json.Remove(at, Math.Min(random.Next(1, 12), json.Length - at));
            try
            {
                FeatureEncoder.Load(System.Text.Encoding.UTF8.GetBytes(damaged));
            }
            catch (GristmillException e)
            {
                Assert.Equal(ErrorCodes.ModelFormat, e.Code);
            }
        }

        var newer = json.Replace("\"format\":1", "\"format\":2", StringComparison.Ordinal);
        Assert.Contains("format 2", Assert.Throws<GristmillException>(() => FeatureEncoder.Load(System.Text.Encoding.UTF8.GetBytes(newer))).Message, StringComparison.Ordinal);
    }
}
