using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Engines.Sql.Tests.Interop;

public sealed class SegmentResultTests
{
    /// <summary>An expression of i for every type, and whether its values come back as they are when cast to varchar.</summary>
    public static TheoryData<string> Expressions =>
    [
        "i % 2 = 0", "(i % 100)::tinyint", "(-i % 30000)::smallint", "i::int", "i * 7919000000", "(i % 250)::utinyint", "(i % 60000)::usmallint",
        "i::uinteger", "18446744073709551615 - i", "(i / 7)::float", "i / 7.0::double", "i::hugeint * 10000000000000000000", "(i::uhugeint * 3)",
        "(i % 90)::decimal(4, 1)", "(i / 4)::decimal(9, 2)", "(i * 12345.678)::decimal(18, 3)", "(i * 1234567890123.5)::decimal(38, 5)",
        "'w' || i", "repeat('é', (i % 20)::int)", "case when i % 5 = 0 then '' else 'a word of more than twelve bytes ' || i end",
        "('b' || i)::blob", "date '1969-12-01' + i::int", "time '00:00:00' + to_seconds(i % 86400)", "timestamp '1969-12-31 23:00:00' + to_seconds(i * 61)",
        "(timestamp '2001-01-01' + to_seconds(i))::timestamp_s", "(timestamp '2001-01-01' + to_seconds(i))::timestamp_ms",
        "(timestamp '2001-01-01' + to_seconds(i))::timestamp_ns", "(timestamp '2001-01-01' + to_seconds(i))::timestamptz",
        "to_months((i % 30)::int) + to_days((i % 40)::int) + to_microseconds(i)", "md5(i::varchar)::uuid", "(case i % 3 when 0 then 'red' when 1 then 'green' else 'blue' end)::enum('red', 'green', 'blue')",
        "range(i % 5)", "list_transform(range(i % 4), x -> case when x = 1 then null else 'item ' || x || ' of ' || i end)", "{'a': i, 'b': 'text ' || i, 'c': {'d': i % 2 = 0}}",
        "{'a': case when i % 4 = 0 then null else i end, 'b': 1}", "raw:(case when i % 7 = 3 then null else [i, i + 1, i + 2] end)::bigint[3]",
        "raw:(case when i % 7 = 3 then null else ['x' || i, null] end)::varchar[2]", "{'a': {'b': {'c': {'d': i, 'e': 's' || i}, 'f': i % 3 = 0}, 'g': [i]}}", "map {'k' || i: i, 'l': null}",
        "map {}", "[[i, i + 1], [], null, [i]]", "list_transform(range(i % 3), x -> {'n': x, 's': 's' || x})", "['red', 'blue']::enum('red', 'green', 'blue')[]",
        "null", "'constant'", "[1, 2, 3]",
    ];

    [Theory]
    [MemberData(nameof(Expressions))]
    public async Task Every_type_makes_the_round_trip_with_its_nulls(string expression)
    {
        using var fixture = new EngineFixture();
        const string Hash = "select md5(string_agg(coalesce(x::varchar, '-'), '|' order by i)) || ' ' || count(x)::varchar as h from ";
        var source = $"(select i, {(expression.StartsWith("raw:", StringComparison.Ordinal) ? expression[4..] : $"case when i % 7 = 3 then null else {expression} end")} as x from range(9001) r(i))";
        var direct = await fixture.QueryAsync(Hash + source);
        var written = await fixture.QueryAsync($"select * from {source}");
        var again = await fixture.QueryAsync("select x, i from t where i >= 0", null, ("t", written));
        var back = await fixture.QueryAsync(Hash + "t", null, ("t", again));
        Assert.Equal(Value(fixture, direct), Value(fixture, back));
    }

    [Theory]
    [MemberData(nameof(Expressions))]
    public void Every_byte_of_memory_that_is_not_zeroed_is_written(string expression)
    {
        var query = $"select {(expression.StartsWith("raw:", StringComparison.Ordinal) ? expression[4..] : $"case when i % 7 = 3 then null else {expression} end")} as x from range(9001) r(i)";
        using var database = SqlDatabase.Open(new SqlDatabaseOptions { Threads = 1, MemoryBytes = 256L << 20 });
        Assert.Equal(Bytes(0x00), Bytes(0xA5));

        List<byte[]> Bytes(byte dirt)
        {
            var memory = new DirtyColumns(dirt);
            using var statement = database.Prepare(query, static error => new InvalidOperationException(error.Message));
            using var result = statement.Run(TestContext.Current.CancellationToken);
            while (result.Read(() => memory, 4096, 1 << 20) is not null)
            {
            }

            Assert.NotEmpty(memory.Given);
            return memory.Given;
        }
    }

    [Fact]
    public async Task Arrow_types_are_the_expected_ones()
    {
        using var fixture = new EngineFixture();
        var result = await fixture.QueryAsync(
            "select 1 as i, 2.50::decimal(9,2) as d, sum(1) as h, 'a'::enum('a','b') as e, now() as tz, uuid() as u, [1] as l, {'a': 1} as s, interval 1 day as iv, array_value(1,2) as a, map {'k': 1} as m, '\\xff'::blob as b");
        using var lease = fixture.Store.Get(result);
        IArrowType Type(string name) => lease.Schema.GetFieldByName(name).DataType;
        Assert.IsType<Int32Type>(Type("i"));
        Assert.Equal((9, 2), (((Decimal128Type)Type("d")).Precision, ((Decimal128Type)Type("d")).Scale));
        Assert.Equal((38, 0), (((Decimal128Type)Type("h")).Precision, ((Decimal128Type)Type("h")).Scale));
        Assert.IsType<DictionaryType>(Type("e"));
        Assert.Equal("UTC", ((TimestampType)Type("tz")).Timezone);
        Assert.IsType<StringType>(Type("u"));
        Assert.IsType<ListType>(Type("l"));
        Assert.IsType<StructType>(Type("s"));
        Assert.Equal(IntervalUnit.MonthDayNanosecond, ((IntervalType)Type("iv")).Unit);
        Assert.Equal(2, ((FixedSizeListType)Type("a")).ListSize);
        Assert.IsType<MapType>(Type("m"));
        Assert.IsType<BinaryType>(Type("b"));
    }

    [Fact]
    public async Task A_result_is_written_without_a_copy_into_few_batches_in_order()
    {
        using var fixture = new EngineFixture();
        var result = await fixture.QueryAsync("select i, 'row ' || i as s from range(3000000) r(i)");
        using var lease = fixture.Store.Get(result);
        Assert.Equal(3_000_000, result.Rows);
        // Of some 600 KB, not of the 2,048 rows that DuckDB gives at a time.
        Assert.InRange(lease.Batches.Count, 1, 70_000_000 / 600_000);
        long row = 0;
        foreach (var batch in lease.Batches)
        {
            var numbers = (Int64Array)batch.Column(0);
            Assert.True(lease.Owns(numbers.Data.Buffers[1].Span));
            Assert.Equal(row, numbers.GetValue(0));
            Assert.Equal($"row {row}", ((StringArray)batch.Column(1)).GetString(0));
            row += batch.Length;
            Assert.Equal(row - 1, numbers.GetValue(batch.Length - 1));
        }
    }

    [Fact]
    public async Task No_rows_make_an_object_with_a_schema()
    {
        using var fixture = new EngineFixture();
        var empty = await fixture.QueryAsync("select i, 'x' || i as s, [i] as l, i::varchar::enum('1','2') as e from range(10) r(i) where i > 100");
        Assert.Equal(0, empty.Rows);
        using (var lease = fixture.Store.Get(empty))
        {
            Assert.Equal(["i", "s", "l", "e"], lease.Schema.FieldsList.Select(field => field.Name));
        }

        Assert.Equal("0", await fixture.ScalarAsync(empty, "count(*)"));
        Assert.Equal(0, (await fixture.QueryAsync("select * from t", null, ("t", empty))).Rows);
    }

    [Fact]
    public async Task Strings_larger_than_a_batch_make_several()
    {
        using var fixture = new EngineFixture();
        var result = await fixture.QueryAsync("select i, repeat(chr((97 + i % 26)::int), 100000) as s from range(3000) r(i)");
        using var lease = fixture.Store.Get(result);
        Assert.True(lease.Batches.Count > 1);
        Assert.Equal("3000|300000000|2999", await fixture.ScalarAsync(result, "count(*) || '|' || sum(length(s)) || '|' || max(i)"));
        Assert.Equal("0", await fixture.ScalarAsync(result, "count_if(s <> repeat(chr((97 + i % 26)::int), 100000))"));
    }

    [Theory]
    [InlineData("170141183460469231731687303715884105727::hugeint", ErrorCodes.BadValue)]
    [InlineData("to_microseconds(9223372036854775807)", ErrorCodes.BadValue)]
    [InlineData("'101'::bit", ErrorCodes.TypeMismatch)]
    [InlineData("union_value(a := 1)", ErrorCodes.TypeMismatch)]
    [InlineData("time '01:00:00+02'::timetz", ErrorCodes.TypeMismatch)]
    public async Task What_a_dataset_cannot_hold_is_refused_by_column(string expression, string code)
    {
        using var fixture = new EngineFixture();
        var error = await fixture.FailAsync(StageOperations.SqlQuery, new { query = $"select 1 as fine, {expression} as odd" });
        Assert.Equal(code, error.Code);
        Assert.Contains("'odd'", error.Message);
        Assert.Equal("odd", error.Error.Details["column"]);
        Assert.Empty(fixture.Store.List());
    }

    private static string Value(EngineFixture fixture, ObjectRef dataset)
    {
        using var lease = fixture.Store.Get(dataset);
        return ((StringArray)lease.Batches[0].Column(0)).GetString(0);
    }

    private sealed class DirtyColumns(byte dirt) : IColumnMemory
    {
        public List<byte[]> Given { get; } = [];

        public Memory<byte> Allocate(int bytes)
        {
            Given.Add(GC.AllocateArray<byte>(bytes, pinned: true));
            return Given[^1];
        }

        public Memory<byte> AllocateUninitialized(int bytes)
        {
            var memory = Allocate(bytes);
            memory.Span.Fill(dirt);
            return memory;
        }
    }
}
