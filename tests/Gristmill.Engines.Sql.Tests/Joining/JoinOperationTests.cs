using System.Globalization;
using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Engines.Sql.Tests.Joining;

public sealed class JoinOperationTests
{
    private const string Left = "select * from (values (2, 'b', 0), (1, 'a', 1), (2, 'b', 2), (null, 'x', 3), (7, null, 4)) t(id, s, n)";
    private const string Right = "select * from (values (2::bigint, 'c', 10), (3, 'd', 11), (2, 'e', 12), (null, 'f', 13), (7, 'g', 14)) t(id, s, m)";

    [Theory]
    [InlineData("inner", "2 b 0 c 10|2 b 0 e 12|2 b 2 c 10|2 b 2 e 12|7 - 4 g 14")]
    [InlineData("left", "2 b 0 c 10|2 b 0 e 12|1 a 1 - -|2 b 2 c 10|2 b 2 e 12|- x 3 - -|7 - 4 g 14")]
    [InlineData("right", "2 b 0 c 10|2 b 2 c 10|3 - - d 11|2 b 0 e 12|2 b 2 e 12|- - - f 13|7 - 4 g 14")]
    [InlineData("full", "2 b 0 c 10|2 b 0 e 12|1 a 1 - -|2 b 2 c 10|2 b 2 e 12|- x 3 - -|7 - 4 g 14|3 - - d 11|- - - f 13")]
    [InlineData("semi", "2 b 0|2 b 2|7 - 4")]
    [InlineData("anti", "1 a 1|- x 3")]
    public async Task Each_kind_keeps_its_rows_in_order(string how, string expected)
    {
        using var fixture = new EngineFixture();
        var joined = await Join(fixture, new { keys = new[] { "id" }, how }, await fixture.QueryAsync(Left), await fixture.QueryAsync(Right));
        Assert.Equal(expected, string.Join('|', Rows(fixture, joined)));
        using var lease = fixture.Store.Get(joined);
        Assert.Equal(how is "semi" or "anti" ? ["id", "s", "n"] : ["id", "s", "n", "s_right", "m"], lease.Schema.FieldsList.Select(field => field.Name));
    }

    [Theory]
    [InlineData("inner")]
    [InlineData("left")]
    [InlineData("right")]
    [InlineData("full")]
    [InlineData("semi")]
    [InlineData("anti")]
    public async Task It_agrees_with_a_simple_model(string how)
    {
        for (var seed = 0; seed < 6; seed++)
        {
            using var fixture = new EngineFixture { Threads = 1 + (seed % 4) };
            var random = new Random(seed);
            var left = Enumerable.Range(0, seed == 1 ? 0 : 900).Select(i => new Row(Maybe(random, 40), Maybe(random, 20), i)).ToList();
            var right = Enumerable.Range(0, seed == 2 ? 0 : 700).Select(i => new Row(Maybe(random, 40), Maybe(random, 20), i)).ToList();
            var joined = await Join(fixture, new { keys = new[] { "a", "b" }, rightKeys = new[] { "k", "b" }, how, suffix = "!" },
                await Table(fixture, left, "a", "integer"), await Table(fixture, right, "k", "hugeint::smallint"));

            var found = left.Select(row => right.Where(row.Matches).ToList()).ToList();
            var back = right.Select(row => left.Where(row.Matches).ToList()).ToList();
            var pairs = left.SelectMany((row, i) => found[i].Select(other => Pair(row, other)));
            IEnumerable<string> expected = how switch
            {
                "inner" => pairs,
                "left" => left.SelectMany((row, i) => found[i].Count > 0 ? found[i].Select(other => Pair(row, other)) : [Pair(row, null)]),
                "right" => right.SelectMany((row, i) => back[i].Count > 0 ? back[i].Select(other => Pair(other, row)) : [Pair(null, row)]),
                "full" => left.SelectMany((row, i) => found[i].Count > 0 ? found[i].Select(other => Pair(row, other)) : [Pair(row, null)])
                    .Concat(right.Where((_, i) => back[i].Count == 0).Select(row => Pair(null, row))),
                _ => left.Where((_, i) => found[i].Count > 0 == (how == "semi")).Select(row => $"{Text(row.A)} {Text(row.B)} {row.N}"),
            };
            var actual = Rows(fixture, joined);
            var want = expected.ToList();
            var wrong = want.Zip(actual).Where(pair => pair.First != pair.Second).Take(3);
            Assert.True(want.SequenceEqual(actual), $"seed {seed}: {want.Count} rows, {actual.Count} found; {string.Join("; ", wrong)}");
        }

        static string Pair(Row? left, Row? right) => $"{Text((left ?? right)!.A)} {Text((left ?? right)!.B)} {Text(left?.N)} {Text(right?.N)}";
    }

    [Fact]
    public async Task NaN_equals_NaN_and_zero_minus_zero_in_all_widths()
    {
        using var fixture = new EngineFixture();
        var left = await fixture.QueryAsync("select k::double as k, n from (values ('nan', 0), ('-0.0', 1), ('0.0', 2), (null, 3), ('0.5', 4), ('-nan', 5)) t(k, n)");
        var right = await fixture.QueryAsync("select k::float as k, m from (values ('0.0', 0), (null, 1), ('nan', 2), ('0.5', 3)) t(k, m)");
        using var lease = fixture.Store.Get(await Join(fixture, new { keys = new[] { "k" } }, left, right));
        Assert.Equal([(0, 2), (1, 0), (2, 0), (4, 3), (5, 2)], lease.Batches.SelectMany(batch => Enumerable.Range(0, batch.Length)
            .Select(row => (((Int32Array)batch.Column(1)).GetValue(row)!.Value, ((Int32Array)batch.Column(2)).GetValue(row)!.Value))));
        Assert.Equal(ErrorCodes.BadValue, (await FailAsync(fixture, new { keys = new[] { "k" }, validate = "oneToOne" }, left, right)).Code);
    }

    [Theory]
    [InlineData("timestamp_ns '2024-01-01 00:00:00.000000001'", "timestamp '2024-01-01'", 0)]
    [InlineData("timestamp_ns '2024-01-01 00:00:00'", "timestamp '2024-01-01'", 1)]
    [InlineData("timestamp_s '2024-01-01 00:00:01'", "timestamp_ms '2024-01-01 00:00:01'", 1)]
    [InlineData("timestamp_s '2024-01-01 00:00:01'", "timestamp_ms '2024-01-01 00:00:01.001'", 0)]
    [InlineData("timestamptz '2024-01-01 01:00:00+01:00'", "timestamp '2024-01-01'", 1)]
    [InlineData("1.50::decimal(10, 2)", "1.5::decimal(38, 1)", 1)]
    [InlineData("255::utinyint", "-1::tinyint", 0)]
    [InlineData("18446744073709551615::ubigint", "-1::bigint", 0)]
    [InlineData("'a'::enum('b', 'a')", "'a'", 1)]
    [InlineData("'a'", "'A'", 0)]
    [InlineData("'é'", "'e' || chr(769)", 0)]
    [InlineData("'a'::blob", "'a'::blob", 1)]
    [InlineData("date '2024-01-01'", "date '2024-01-01'", 1)]
    [InlineData("time '01:02:03'", "time '01:02:03'", 1)]
    [InlineData("true", "true", 1)]
    public async Task Keys_of_one_kind_meet_by_their_value(string key, string other, int rows)
    {
        using var fixture = new EngineFixture();
        var joined = await Join(fixture, new { keys = new[] { "k" } }, await fixture.QueryAsync($"select {key} as k"), await fixture.QueryAsync($"select {other} as k, 1 as v"));
        Assert.Equal(rows, joined.Rows);
    }

    [Theory]
    [InlineData("inner", 0, 0, 0)]
    [InlineData("left", 0, 5, 0)]
    [InlineData("right", 0, 0, 5)]
    [InlineData("full", 0, 5, 5)]
    [InlineData("semi", 0, 0, 0)]
    [InlineData("anti", 0, 5, 0)]
    public async Task Sides_may_be_empty(string how, int both, int left, int right)
    {
        using var fixture = new EngineFixture();
        var rows = await fixture.QueryAsync(Left);
        var none = await fixture.QueryAsync(Left + " where false");
        var options = new { keys = new[] { "id" }, how };
        Assert.Equal((both, left, right), ((await Join(fixture, options, none, none)).Rows, (await Join(fixture, options, rows, none)).Rows, (await Join(fixture, options, none, rows)).Rows));
    }

    [Theory]
    [InlineData("oneToOne", "left", "id = 2")]
    [InlineData("oneToMany", "left", "id = 2")]
    [InlineData("manyToOne", null, null)]
    [InlineData("manyToMany", null, null)]
    public async Task What_must_be_there_once_is_named_where_it_is_not(string validate, string? table, string? key)
    {
        using var fixture = new EngineFixture();
        var left = await fixture.QueryAsync("select * from (values (null), (null), (1), (2), (3), (3), (2)) t(id)");
        var right = await fixture.QueryAsync("select * from (values (null), (null), (1), (2)) t(id)");
        if (table is null)
        {
            Assert.Equal(3, (await Join(fixture, new { keys = new[] { "id" }, validate }, left, right)).Rows);
            return;
        }

        var error = await FailAsync(fixture, new { keys = new[] { "id" }, validate }, left, right);
        Assert.Equal((ErrorCodes.BadValue, table, key), (error.Code, error.Error.Details["table"], error.Error.Details["key"]));
        Assert.Contains(key!, error.Message, StringComparison.Ordinal);
        var other = await FailAsync(fixture, new { keys = new[] { "id" }, validate = "manyToOne" }, right, left);
        Assert.Equal(("right", key), (other.Error.Details["table"], other.Error.Details["key"]));
        Assert.Equal(new[] { left.Id, right.Id }.Order(), fixture.Store.List().Select(item => item.Id).Order());
    }

    [Fact]
    public async Task Names_that_SQL_has_not_are_kept()
    {
        using var fixture = new EngineFixture();
        var left = Named(fixture, ("Key", [1, 2]), ("key", [5, 6]), ("", [7, 8]), ("a\0b", [9, 10]), ("gristmill_label", [11, 12]), ("c0", [13, 14]), ("it's \"so\"; --", [15, 16]));
        var right = Named(fixture, ("k\0", [0, 0]), ("k", [6, 5]), ("key", [20, 21]), ("A\0b", [22, 23]), ("a\0b", [24, 25]), ("it's \"so\"; --", [26, 27]));
        var joined = await Join(fixture, new { keys = new[] { "key" }, rightKeys = new[] { "k" }, suffix = " '2'" }, left, right);
        using var lease = fixture.Store.Get(joined);
        Assert.Equal(["Key", "key", "", "a\0b", "gristmill_label", "c0", "it's \"so\"; --", "k\0", "key '2'", "A\0b", "a\0b '2'", "it's \"so\"; -- '2'"],
            lease.Schema.FieldsList.Select(field => field.Name));
        Assert.Equal(["1 5 7 9 11 13 15 0 21 23 25 27", "2 6 8 10 12 14 16 0 20 22 24 26"], Rows(fixture, joined));
    }

    [Fact]
    public async Task Nested_and_dictionary_columns_come_along()
    {
        using var fixture = new EngineFixture();
        var left = await fixture.QueryAsync("select i % 10 as k, ['x' || i, null] as l, {'a': i, 'b': {'c': [i]}} as s, case when i % 3 > 0 then 'e' || (i % 3) end::enum('e1', 'e2') as e from range(5000) r(i)");
        var right = await fixture.QueryAsync("select i as k, map {'n': i} as m, 'e1'::enum('e1') as d from range(5) r(i)");
        var joined = await Join(fixture, new { keys = new[] { "k" }, how = "left" }, left, right);
        Assert.Equal(5000, joined.Rows);
        Assert.Equal("true", await fixture.ScalarAsync(joined,
            "bool_and(l[1] = 'x' || s.a and l[2] is null and s.b.c[1] = s.a and k = s.a % 10 and e is not distinct from case when s.a % 3 > 0 then 'e' || (s.a % 3) end and m['n'] is not distinct from case when k < 5 then k end)"));
    }

    [Fact]
    public async Task Equal_inputs_give_equal_bytes_whatever_the_threads()
    {
        async Task<string?> Checksum(int threads, string how)
        {
            using var fixture = new EngineFixture { Threads = threads };
            var left = await fixture.QueryAsync("select (i * 7919) % 50000 as k, i, 'text ' || i as s from range(200000) r(i)");
            var right = await fixture.QueryAsync("select (i * 104729) % 60000 as k, i as j, [i] as l from range(120000) r(i)");
            return (await Join(fixture, new { keys = new[] { "k" }, how }, left, right)).Checksum;
        }

        foreach (var how in new[] { "inner", "full", "semi" })
        {
            var one = await Checksum(1, how);
            Assert.NotNull(one);
            Assert.Equal(one, await Checksum(1, how));
            Assert.Equal(one, await Checksum(4, how));
        }
    }

    [Fact]
    public async Task A_cancelled_join_ends_soon_and_leaves_nothing()
    {
        using var fixture = new EngineFixture();
        var rows = await fixture.QueryAsync("select 1 as k, i from range(1000000) r(i)");
        using var cancellation = new CancellationTokenSource();
        var running = fixture.RunAsync(StageOperations.SqlJoin, """{"keys":["k"]}""", new() { ["left"] = rows, ["right"] = rows }, cancellation.Token);
        cancellation.CancelAfter(TimeSpan.FromMilliseconds(300));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.Equal([rows.Id], fixture.Store.List().Select(item => item.Id));
        Assert.Empty(Directory.GetDirectories(fixture.Folder, "gristmill-sql-*"));
    }

    [Theory]
    [InlineData("""{"keys":["i"]}""", ErrorCodes.UnknownColumn, "left table has no column 'i'")]
    [InlineData("""{"keys":["id"],"rightKeys":["ID"]}""", ErrorCodes.UnknownColumn, "right table has no column 'ID'")]
    [InlineData("""{"keys":["id"],"rightKeys":["s"]}""", ErrorCodes.TypeMismatch, "'id' is of the kind integer, and key 's' of the right table is text")]
    [InlineData("""{"keys":["id"],"rightKeys":["f"]}""", ErrorCodes.TypeMismatch, "float")]
    [InlineData("""{"keys":["id"],"rightKeys":["l"]}""", ErrorCodes.TypeMismatch, "'l' is a list")]
    [InlineData("""{"keys":["id"],"rightKeys":["id","s"]}""", ErrorCodes.Invalid, "rightKeys")]
    [InlineData("""{"keys":["id","id"],"rightKeys":["id","m"]}""", ErrorCodes.Invalid, "'id' twice")]
    [InlineData("""{"keys":["id","n"],"rightKeys":["id","id"]}""", ErrorCodes.Invalid, "'id' twice")]
    [InlineData("""{"keys":[]}""", ErrorCodes.Invalid, "keys")]
    [InlineData("""{"keys":["id"],"how":"outer"}""", ErrorCodes.Invalid, "how")]
    [InlineData("""{"keys":["id"],"validate":"m:1"}""", ErrorCodes.Invalid, "validate")]
    [InlineData("""{"keys":["id"],"suffix":""}""", ErrorCodes.Invalid, "two columns called 's'")]
    [InlineData("""{"keys":["id"],"suffix":"2"}""", ErrorCodes.Invalid, "two columns called 's2'")]
    public async Task What_does_not_join_is_refused_and_leaves_nothing(string options, string code, string named)
    {
        using var fixture = new EngineFixture();
        var left = await fixture.QueryAsync(Left);
        var right = await fixture.QueryAsync("select 2 as id, 'c' as s, 10 as m, 1.5::double as f, [1] as l, 'x' as s2");
        var error = await Assert.ThrowsAsync<GristmillException>(() => fixture.RunAsync(StageOperations.SqlJoin, options, new() { ["left"] = left, ["right"] = right }));
        Assert.Equal(code, error.Code);
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
        Assert.Equal(new[] { left.Id, right.Id }.Order(), fixture.Store.List().Select(item => item.Id).Order());
    }

    private static async Task<ObjectRef> Join(EngineFixture fixture, object options, ObjectRef left, ObjectRef right) =>
        (await fixture.RunAsync(StageOperations.SqlJoin, options, new() { ["left"] = left, ["right"] = right })).Artifacts["out"].Dataset!;

    private static Task<GristmillException> FailAsync(EngineFixture fixture, object options, ObjectRef left, ObjectRef right) =>
        fixture.FailAsync(StageOperations.SqlJoin, options, new() { ["left"] = left, ["right"] = right });

    private static List<string> Rows(EngineFixture fixture, ObjectRef table)
    {
        using var lease = fixture.Store.Get(table);
        return [.. lease.Batches.SelectMany(batch => Enumerable.Range(0, batch.Length)
            .Select(row => string.Join(' ', Enumerable.Range(0, batch.ColumnCount).Select(column => Text(Value(batch.Column(column), row))))))];
    }

    private static object? Value(IArrowArray array, int row) => array switch
    {
        StringArray text => text.GetString(row),
        Int16Array numbers => numbers.GetValue(row),
        Int32Array numbers => numbers.GetValue(row),
        _ => ((Int64Array)array).GetValue(row),
    };

    private static string Text(object? value) => Convert.ToString(value, CultureInfo.InvariantCulture) is { Length: > 0 } text ? text : "-";

    private static int? Maybe(Random random, int below) => random.Next(20) == 0 ? null : random.Next(below);

    private static Task<ObjectRef> Table(EngineFixture fixture, List<Row> rows, string key, string type)
    {
        static string Sql(int? value) => value?.ToString(CultureInfo.InvariantCulture) ?? "null";
        var values = string.Join(',', rows.Select(row => $"({Sql(row.A)},{Sql(row.B)},{Sql(row.N)})").DefaultIfEmpty("(0,0,0)"));
        return fixture.QueryAsync($"select a::{type} as {key}, b::varchar as b, n::integer as n from (values {values}) r(a, b, n) {(rows.Count == 0 ? "where false" : "")}");
    }

    private static ObjectRef Named(EngineFixture fixture, params (string Name, long[] Values)[] columns)
    {
        var schema = new Schema(columns.Select(column => new Field(column.Name, Int64Type.Default, true)), null);
        using var batch = new RecordBatch(schema, columns.Select(column => (IArrowArray)new Int64Array.Builder().AppendRange(column.Values).Build()), 2);
        using var writer = fixture.Store.Create(schema, 1 << 16);
        writer.Append(batch);
        return writer.Seal();
    }

    private sealed record Row(int? A, int? B, int N)
    {
        public bool Matches(Row other) => A is not null && A == other.A && B is not null && B == other.B;
    }
}
