using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;
using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Engines;

namespace Gristmill.Hosting;

/// <summary>Numbers of JSON rows arrive as they were sent, in the type the model computes with.</summary>
public sealed class JsonTableTests
{
    [Theory]
    [InlineData("9007199254740993", 9007199254740993)]
    [InlineData("-9223372036854775808", long.MinValue)]
    [InlineData("9223372036854775807", long.MaxValue)]
    [InlineData("9007199254740993.0", 9007199254740993)]
    [InlineData("5e0", 5)]
    [InlineData("1.5e1", 15)]
    [InlineData("120E-1", 12)]
    [InlineData("-0.0", 0)]
    public void Integers_are_exact(string json, long expected) => Assert.Equal(expected, Read<long>(json));

    [Theory]
    [InlineData("1.5")]
    [InlineData("-0.5")]
    [InlineData("1e-40")]
    [InlineData("9007199254740993.5")]
    [InlineData("1.00000000000000000000000000000000000000001")]
    [InlineData("123456789012345678901234567890e-20")]
    public void A_fraction_is_no_integer(string json)
    {
        AssertRefused(ErrorCodes.TypeMismatch, json, () => Read<long>(json));
        AssertRefused(ErrorCodes.TypeMismatch, json, () => Read<byte>(json));
    }

    [Fact]
    public void What_a_type_does_not_hold_is_refused()
    {
        Refuse<long>("9223372036854775808");
        Refuse<long>("1e19");
        Refuse<long>("1e400");
        Refuse<long>("1e1000000000");
        Refuse<long>("123456789012345678901234567890123456789012345678901234567890");
        Refuse<ulong>("18446744073709551616");
        Refuse<ulong>("-1");
        Refuse<int>("2147483648");
        Refuse<uint>("-1");
        Refuse<short>("32768");
        Refuse<ushort>("65536");
        Refuse<sbyte>("-129");
        Refuse<byte>("256");
        Refuse<float>("3.5e38");
        Refuse<double>("1.8e308");
        Refuse<double>("-1e400");
        Refuse<Half>("65536");
        Assert.Equal(18446744073709551615, Read<ulong>("18446744073709551615"));
        Assert.Equal(255, Read<byte>("255"));

        static void Refuse<T>(string json)
            where T : unmanaged, INumber<T> => AssertRefused(ErrorCodes.BadValue, json, () => Read<T>(json));
    }

    [Fact]
    public void Floats_are_the_nearest()
    {
        foreach (var value in new[] { 0.1, 1 / 3.0, Math.PI * 1e100, double.Epsilon, double.MaxValue, 16777217, 9007199254740991, -2.5e-310 })
        {
            Assert.Equal(value, Read<double>(value.ToString("R", CultureInfo.InvariantCulture)));
        }

        Assert.Equal(0.1f, Read<float>("0.1"));
        Assert.Equal(16777216f, Read<float>("16777217"));
    }

    [Fact]
    public void Columns_and_tensors_have_the_models_types()
    {
        var manifest = new ModelManifest
        {
            Engine = "onnx",
            Task = ModelTask.Tensor,
            Inputs =
            [
                new ColumnSignature("id", ColumnType.Number), new ColumnSignature("x", ColumnType.Number) { Nullable = true },
                new ColumnSignature("t", ColumnType.Tensor) { Shape = [2, -1] }, new ColumnSignature("name", ColumnType.String),
            ],
            Outputs = [],
        };
        var types = InputTypes.Schema(manifest, name => name switch { "id" or "t" => Int64Type.Default, "x" => DoubleType.Default, _ => null });

        using var batch = JsonTable.Read("""[{"id":9007199254740993,"x":16777217.5,"t":[[1],[9007199254740993]],"name":"a"},{"id":-1,"x":null,"t":[3,4],"name":""}]"""u8, manifest, types);

        Assert.Equal([9007199254740993, -1], ((Int64Array)batch.Column("id")).Values.ToArray());
        Assert.Equal([16777217.5, null], (DoubleArray)batch.Column("x"));
        Assert.Equal([1, 9007199254740993, 3, 4], ((Int64Array)((FixedSizeListArray)batch.Column("t")).Values).Values.ToArray());
        var error = Assert.Throws<GristmillException>(() => JsonTable.Read("""[{"id":1,"t":[1,2],"name":""},{"id":1,"t":[1,2.5],"name":""}]"""u8, manifest, types));
        Assert.Equal((ErrorCodes.TypeMismatch, "t", "1"), (error.Code, error.Error.Details["column"], error.Error.Details["row"]));
    }

    [Fact]
    public void Every_number_type_is_written()
    {
        IArrowArray[] columns =
        [
            new UInt64Array.Builder().Append(ulong.MaxValue).Build(), new Int64Array.Builder().Append(9007199254740993).Build(),
            new Int16Array.Builder().Append(-3).Build(), new UInt16Array.Builder().Append(4).Build(), new Int8Array.Builder().Append(-5).Build(),
            new UInt8Array.Builder().Append(6).Build(), new HalfFloatArray.Builder().Append((Half)0.5).Build(), new DoubleArray.Builder().Append(0.1).Build(),
        ];
        using var batch = new RecordBatch(new Schema(columns.Select((c, i) => new Field($"{i}", c.Data.DataType, false)), null), columns, 1);
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { SkipValidation = true }))
        {
            JsonTable.Write(writer, batch);
        }

        Assert.Equal("""{"0":18446744073709551615,"1":9007199254740993,"2":-3,"3":4,"4":-5,"5":6,"6":0.5,"7":0.1}""", Encoding.UTF8.GetString(stream.ToArray()));
    }

    private static T Read<T>(string json)
        where T : unmanaged, INumber<T>
    {
        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(json));
        Assert.True(reader.Read());
        return JsonNumber.Read<T>(ref reader, "x", 3);
    }

    private static void AssertRefused(string code, string number, Func<object> read)
    {
        var error = Assert.Throws<GristmillException>(read);
        Assert.Equal((code, "x", "3"), (error.Code, error.Error.Details["column"], error.Error.Details["row"]));
        Assert.Contains(number, error.Message);
    }
}
