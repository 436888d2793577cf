using System.Globalization;
using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Data.Writing.Postgres;

namespace Gristmill.Data.Tests.Writing;

/// <summary>Values of each type of Arrow are in PostgreSQL what they were.</summary>
public sealed class PostgresTypeTests(PostgresFixture server)
{
    private static readonly CancellationToken s_token = TestContext.Current.CancellationToken;
    private static int s_tables;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task What_is_read_can_be_written_and_is_the_same_again(int seed)
    {
        var (fixture, connection) = server.Start();
        using var opened = fixture;
        var random = new Random(seed);
        var rows = 1 + random.Next(3000);
        (string Name, IArrowArray Array)[] columns =
        [
            ("bool", Bools(random, rows)),
            ("int16", Column<short>(random, rows, Int16Type.Default, static r => (short)Whole(r, short.MinValue, short.MaxValue))),
            ("int32", Column<int>(random, rows, Int32Type.Default, static r => (int)Whole(r, int.MinValue, int.MaxValue))),
            ("int64", Column<long>(random, rows, Int64Type.Default, static r => Whole(r, long.MinValue, long.MaxValue))),
            ("float", Column<float>(random, rows, FloatType.Default, static r => r.Next(5) switch { 0 => float.NaN, 1 => float.NegativeInfinity, 2 => float.Epsilon, _ => r.NextSingle() })),
            ("double", Column<double>(random, rows, DoubleType.Default, static r => r.Next(5) switch { 0 => double.NaN, 1 => double.PositiveInfinity, 2 => double.MaxValue, _ => r.NextDouble() })),
            ("decimal", Decimals(random, rows, 12, 2)),
            ("decimal_long", Decimals(random, rows, 38, 10)),
            ("decimal_odd", Decimals(random, rows, 38, 37)),
            ("decimal_whole", Decimals(random, rows, 38, 0)),
            ("text", Texts(random, rows)),
            ("binary", Binaries(random, rows)),
            ("date", Column<int>(random, rows, Date32Type.Default, static r => (int)Whole(r, -2_440_588, 2_145_042_905))),
            ("time", Column<long>(random, rows, new Time64Type(TimeUnit.Microsecond), static r => Whole(r, 0, 86_399_999_999))),
            ("timestamp", Column<long>(random, rows, new TimestampType(TimeUnit.Microsecond, (string?)null), static r => Whole(r, -210_866_803_200_000_000, long.MaxValue - 1))),
            ("timestamptz", Column<long>(random, rows, new TimestampType(TimeUnit.Microsecond, "UTC"), static r => Whole(r, -210_866_803_200_000_000, long.MaxValue - 1))),
        ];
        var from = random.Next(rows);
        (string Name, IArrowArray Array)[] sliced = [.. columns.Select(column => (column.Name, ArrowArrayFactory.Slice(column.Array, from, rows - from)))];
        var table = Name();
        await Batches.Flow([.. columns, ("row", Numbers(0, rows))]).With(fixture.Options).WritePostgresAsync(connection, table, cancellationToken: s_token);
        await Batches.Flow([.. sliced, ("row", Numbers(rows, rows - from))]).With(fixture.Options).WritePostgresAsync(connection, table, new PostgresWriteOptions { Mode = PostgresWriteMode.Append }, s_token);

        var at = 0;
        await DataFlow.ReadPostgresQuery(connection, $"select * from {table} order by row").With(fixture.Options).ForEachBlockAsync(batch =>
        {
            for (var row = 0; row < batch.Length; row++, at++)
            {
                for (var i = 0; i < columns.Length; i++)
                {
                    var (source, place) = at < rows ? (columns[i].Array, at) : (sliced[i].Array, at - rows);
                    Assert.Equal(columns[i].Array.Data.DataType.ToString(), batch.Column(i).Data.DataType.ToString());
                    Assert.True(Show(source, place) == Show(batch.Column(i), row), string.Create(CultureInfo.InvariantCulture, $"seed {seed}, {columns[i].Name}, row {at}: {Show(source, place)} was written, {Show(batch.Column(i), row)} read"));
                }
            }
        }, s_token);
        Assert.Equal(rows + rows - from, at);
    }

    [Fact]
    public async Task Types_that_are_not_read_are_what_is_nearest()
    {
        var (fixture, connection) = server.Start();
        using var opened = fixture;
        var names = new DictionaryArray(new DictionaryType(Int8Type.Default, StringType.Default, false), Batches.Fixed<sbyte>(Int8Type.Default, 1, null, 0, 2), Batches.Texts("zero", "one", null));
        var table = Name();
        await Batches.Flow(
            ("i8", Batches.Fixed<sbyte>(Int8Type.Default, -128, null, 127, 0)),
            ("u8", Batches.Fixed<byte>(UInt8Type.Default, 255, null, 0, 1)),
            ("u16", Batches.Fixed<ushort>(UInt16Type.Default, 65535, null, 0, 1)),
            ("u32", Batches.Fixed<uint>(UInt32Type.Default, uint.MaxValue, null, 0, 1)),
            ("u64", Batches.Fixed<ulong>(UInt64Type.Default, ulong.MaxValue, null, 0, 1)),
            ("half", Batches.Fixed<Half>(HalfFloatType.Default, (Half)1.5, null, (Half)(-0.25), Half.NaN)),
            ("d32", Batches.Fixed<int>(new Decimal32Type(5, 3), -12345, null, 10, 0)),
            ("d64", Batches.Fixed<long>(new Decimal64Type(12, 1), 123456789012, null, -1, 0)),
            ("date64", Batches.Fixed<long>(Date64Type.Default, -86_400_000, null, 0, 86_400_000)),
            ("t32", Batches.Fixed<int>(new Time32Type(TimeUnit.Second), 86_399, null, 0, 60)),
            ("t64", Batches.Fixed<long>(new Time64Type(TimeUnit.Nanosecond), 1_000, null, 0, 86_399_999_999_000)),
            ("s", Batches.Fixed<long>(new TimestampType(TimeUnit.Second, (string?)null), 0, null, -1, 1)),
            ("ns", Batches.Fixed<long>(new TimestampType(TimeUnit.Nanosecond, "Europe/Berlin"), 0, null, -1_000, 1_000)),
            ("span", Batches.Fixed<long>(DurationType.Millisecond, 1, null, -90_061_000, 0)),
            ("name", names),
            ("list", Batches.Lists(Batches.Fixed<int>(Int32Type.Default, 1, null, -3), 0, 2, 2, 3, 3)),
            ("texts", Batches.Lists(Batches.Texts("a,b", null, "\"", ""), 0, 1, 1, 3, 4)),
            ("null", new NullArray(4))).With(fixture.Options).WritePostgresAsync(connection, table, cancellationToken: s_token);
        Assert.Equal("smallint,smallint,integer,bigint,numeric(20,0),real,numeric(5,3),numeric(12,1),date,time without time zone,time without time zone,timestamp without time zone,timestamp with time zone,interval,text,integer[],text[],text",
            await server.ScalarAsync<string>($"select string_agg(format_type(atttypid, atttypmod), ',' order by attnum) from pg_attribute where attrelid = '{table}'::regclass and attnum > 0"));
        Assert.Equal(
            """""
            (-128,255,65535,4294967295,18446744073709551615,1.5,-12.345,12345678901.2,1969-12-31,23:59:59,00:00:00.000001,"1970-01-01 00:00:00","1970-01-01 00:00:00+00",00:00:00.001,one,"{1,NULL}","{""a,b""}",)
            (,,,,,,,,,,,,,,,{},{},)
            (127,0,0,0,0,-0.25,0.010,-0.1,1970-01-01,00:00:00,00:00:00,"1969-12-31 23:59:59","1969-12-31 23:59:59.999999+00",-25:01:01,zero,{-3},"{NULL,""\\""""}",)
            (0,1,1,1,1,NaN,0.000,0.0,1970-01-02,00:01:00,23:59:59.999999,"1970-01-01 00:00:01","1970-01-01 00:00:00.000001+00",00:00:00,,{},"{""""}",)
            """"", await server.ScalarAsync<string>($"select string_agg(t::text, E'\\n') from (select * from {table}) t"));
    }

    [Fact]
    public async Task A_table_may_have_other_types_that_hold_the_values()
    {
        var (fixture, connection) = server.Start();
        using var opened = fixture;
        var table = Name();
        await server.RunAsync($"""
            set client_min_messages = error;
            create domain {table}_money as numeric(9, 2) check (value > 0);
            create type {table}_mood as enum ('calm', 'cross');
            create table {table}(small smallint, big bigint, id oid, exact numeric(20, 3), money {table}_money, real double precision, uuid uuid, raw uuid, json json, jsonb jsonb, name varchar(10), padded char(4),
                mood {table}_mood, xml xml, sum bigint, prices numeric(5, 2)[], since date default current_date)
            """);
        await Batches.Flow(
            ("small", Batches.Fixed<long>(Int64Type.Default, -32768L)),
            ("big", Batches.Fixed<int>(Int32Type.Default, 7)),
            ("id", Batches.Fixed<long>(Int64Type.Default, 4294967295L)),
            ("exact", Batches.Fixed<long>(Int64Type.Default, -5L)),
            ("money", Batches.Fixed<Int128>(new Decimal128Type(20, 4), 123400)),
            ("real", Batches.Fixed<long>(Int64Type.Default, 1L << 53)),
            ("uuid", Batches.Texts("01020304-0506-0708-090a-0b0c0d0e0f10")),
            ("raw", ArrowArrayFactory.BuildArray(new ArrayData(new FixedSizeBinaryType(16), 1, 0, 0, [ArrowBuffer.Empty, new ArrowBuffer(Convert.FromHexString("0102030405060708090A0B0C0D0E0F10"))]))),
            ("json", Batches.Texts("{\"a\":1}")),
            ("jsonb", Batches.Texts("{\"b\":  2}")),
            ("name", Batches.Texts("größe")),
            ("padded", Batches.Texts("ab")),
            ("mood", Batches.Texts("cross")),
            ("xml", Batches.Texts("<a/>")),
            ("sum", Batches.Fixed<Int128>(new Decimal128Type(38, 0), 12)),
            ("prices", Batches.Lists(Batches.Fixed<Int128>(new Decimal128Type(9, 3), 1250), 0, 1))).With(fixture.Options).WritePostgresAsync(connection, table, new PostgresWriteOptions { Mode = PostgresWriteMode.Append }, s_token);
        Assert.Equal(""""(-32768,7,4294967295,-5.000,12.34,9.007199254740992e+15,01020304-0506-0708-090a-0b0c0d0e0f10,01020304-0506-0708-090a-0b0c0d0e0f10,"{""a"":1}","{""b"": 2}",größe,"ab  ",cross,<a/>,12,{1.25},t)"""",
            await server.ScalarAsync<string>($"select row(small, big, id, exact, money, real, uuid, raw, json, jsonb, name, padded, mood, xml, sum, prices, since is not null)::text from {table}"));
    }

    [Fact]
    public void Numbers_are_digits_of_ten_thousand()
    {
        // By PostgreSQL's numeric.c: count, weight, sign, scale, digits.
        Span<byte> bytes = stackalloc byte[PostgresNumeric.MostBytes];
        Assert.Equal("0003 0001 0000 0002 000C 0D80 1A2C", Hex(PostgresNumeric.Write(123_456_67, 2, null, bytes), bytes));
        Assert.Equal("0000 FFFF 0000 0000", Hex(PostgresNumeric.Write(0, 0, null, bytes), bytes));
        Assert.Equal("0001 FFFE 4000 0005 03E8", Hex(PostgresNumeric.Write(-1, 5, null, bytes), bytes));
        Assert.Equal(-1, PostgresNumeric.Write(125, 2, 1, bytes));
        Assert.Equal(-1, PostgresNumeric.Write(1, 2, -60, bytes));
    }

    private static string Hex(int count, Span<byte> bytes) => string.Join(' ', Convert.ToHexString(bytes[..count]).Chunk(4).Select(static digits => new string(digits)));

    private static string Name() => $"types_{Interlocked.Increment(ref s_tables)}";

    private static long Whole(Random random, long least, long most) => random.Next(8) switch { 0 => least, 1 => most, 2 => Math.Clamp(0, least, most), _ => random.NextInt64(least, most) };

    private static Int32Array Numbers(int first, int count) => new Int32Array.Builder().AppendRange(Enumerable.Range(first, count)).Build();

    private static IArrowArray Column<T>(Random random, int rows, IArrowType type, Func<Random, T> value)
        where T : unmanaged => Batches.Fixed(type, [.. Enumerable.Range(0, rows).Select(_ => random.Next(7) == 0 ? (T?)null : value(random))]);

    private static IArrowArray Decimals(Random random, int rows, int precision, int scale) => Column<Int128>(random, rows, new Decimal128Type(precision, scale), r =>
    {
        Int128 value = 0;
        for (var digits = r.Next(precision + 1); digits > 0; digits--)
        {
            value = (value * 10) + r.Next(10);
        }

        return r.Next(2) == 0 ? -value : value;
    });

    private static BooleanArray Bools(Random random, int rows)
    {
        var builder = new BooleanArray.Builder();
        for (var i = 0; i < rows; i++)
        {
            _ = random.Next(3) switch { 0 => builder.AppendNull(), 1 => builder.Append(true), _ => builder.Append(false) };
        }

        return builder.Build();
    }

    private static IArrowArray Texts(Random random, int rows) => Batches.Texts([.. Enumerable.Range(0, rows).Select(_ => random.Next(6) switch
    {
        0 => null, 1 => "", 2 => "größe 日本語 \U0001F600", 3 => "\t\\N\n\"',{}", 4 when random.Next(50) == 0 => new string('x', 200_000), _ => random.Next().ToString(CultureInfo.InvariantCulture),
    })]);

    private static BinaryArray Binaries(Random random, int rows)
    {
        var builder = new BinaryArray.Builder();
        for (var i = 0; i < rows; i++)
        {
            var bytes = new byte[random.Next(40)];
            random.NextBytes(bytes);
            _ = random.Next(6) == 0 ? builder.AppendNull() : builder.Append(bytes.AsSpan());
        }

        return builder.Build();
    }

    private static string Show(IArrowArray array, int row) => array.IsNull(row) ? "null" : array switch
    {
        BooleanArray values => values.GetValue(row)!.Value.ToString(),
        Int16Array values => values.Values[row].ToString(CultureInfo.InvariantCulture),
        Int32Array values => values.Values[row].ToString(CultureInfo.InvariantCulture),
        Int64Array values => values.Values[row].ToString(CultureInfo.InvariantCulture),
        FloatArray values => BitConverter.SingleToInt32Bits(values.Values[row]).ToString(CultureInfo.InvariantCulture),
        DoubleArray values => BitConverter.DoubleToInt64Bits(values.Values[row]).ToString(CultureInfo.InvariantCulture),
        Decimal128Array values => values.GetString(row)!,
        StringArray values => values.GetString(row),
        BinaryArray values => Convert.ToHexString(values.GetBytes(row)),
        Date32Array values => values.Values[row].ToString(CultureInfo.InvariantCulture),
        Time64Array values => values.Values[row].ToString(CultureInfo.InvariantCulture),
        TimestampArray values => values.Values[row].ToString(CultureInfo.InvariantCulture),
        _ => throw new InvalidOperationException(array.Data.DataType.Name),
    };
}
