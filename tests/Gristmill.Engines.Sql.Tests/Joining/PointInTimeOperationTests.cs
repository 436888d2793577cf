using Apache.Arrow;

namespace Gristmill.Engines.Sql.Tests.Joining;

public sealed class PointInTimeOperationTests
{
    private const string Spine = "select * from (values (2, 1, timestamp '2024-01-01 12:00:00'), (1, 2, '2024-01-01 12:00:00'), (null, 3, '2024-01-01 12:00:00'), (1, 4, null), (9, 5, '2024-01-01 12:00:00')) t(id, n, t)";

    [Theory]
    [InlineData("2024-01-01 12:00:00", null, "a")]
    [InlineData("2024-01-01 12:00:00.000001", null, null)]
    [InlineData("2024-01-01 11:59:59.999999", null, "a")]
    [InlineData("2024-01-01 11:00:00", "01:00:00", "a")]
    [InlineData("2024-01-01 10:59:59.999999", "01:00:00", null)]
    [InlineData("2024-01-01 12:00:00", "00:00:00", "a")]
    [InlineData("2024-01-01 11:59:59.999999", "00:00:00", null)]
    [InlineData("1700-01-01 00:00:00", null, "a")]
    [InlineData("1700-01-01 00:00:00", "365.00:00:00", null)]
    public async Task A_row_is_known_from_its_time_to_the_end_of_its_life(string time, string? ttl, string? expected)
    {
        using var fixture = new EngineFixture();
        var spine = await fixture.QueryAsync(Spine);
        var features = await fixture.QueryAsync($"select 2 as id, timestamp '{time}' as t, 'a' as v");
        var joined = await Join(fixture, ["id"], spine, new { input = "f", ttl }, ("f", features));
        using var lease = fixture.Store.Get(joined);
        Assert.Equal(["id", "n", "t", "v"], lease.Schema.FieldsList.Select(field => field.Name));
        Assert.Equal([expected, null, null, null, null], Enumerable.Range(0, 5).Select(row => ((StringArray)lease.Batches[0].Column(3)).GetString(row)));
        Assert.Equal([1, 2, 3, 4, 5], ((Int32Array)lease.Batches[0].Column(1)).Values.ToArray());
    }

    [Theory]
    [InlineData("2", "null")]
    [InlineData("null", "timestamp '2024-01-02'")]
    public async Task Rows_without_a_key_or_time_match_nothing(string id, string time)
    {
        using var fixture = new EngineFixture();
        var spine = await fixture.QueryAsync($"select {id}::integer as id, {time}::timestamp as t union all select 2, timestamp '2024-01-02'");
        var features = await fixture.QueryAsync("select 2 as id, timestamp '2024-01-01' as t, 1 as v union all select null, timestamp '2024-01-01', 2 union all select 2, null, 3");
        var joined = await Join(fixture, ["id"], spine, new { input = "f" }, ("f", features));
        using var lease = fixture.Store.Get(joined);
        Assert.Equal((null, 1), (Int(lease.Batches[0], 2, 0), Int(lease.Batches[0], 2, 1)));
    }

    [Theory]
    [InlineData("timestamptz '2024-01-01 13:00:00+01:00'", true)]
    [InlineData("timestamptz '2024-01-01 13:00:00.000001+01:00'", false)]
    [InlineData("date '2024-01-01'", true)]
    [InlineData("date '2024-01-02'", false)]
    [InlineData("timestamp_s '2024-01-01 12:00:00'", true)]
    [InlineData("timestamp_ms '2024-01-01 12:00:00.001'", false)]
    [InlineData("timestamp_ns '2024-01-01 12:00:00'", true)]
    [InlineData("timestamp_ns '2024-01-01 12:00:00.000000001'", false)]
    public async Task Times_of_all_units_meet_without_being_cut(string time, bool known)
    {
        using var fixture = new EngineFixture();
        var spine = await fixture.QueryAsync(Spine);
        var joined = await Join(fixture, ["id"], spine, new { input = "f" }, ("f", await fixture.QueryAsync($"select 2 as id, {time} as t, 1 as v")));
        Assert.Equal(known ? "1" : "0", await fixture.ScalarAsync(joined, "count(v)"));
    }

    [Fact]
    public async Task Several_tables_agree_with_a_simple_model()
    {
        for (var seed = 0; seed < 12; seed++)
        {
            using var fixture = new EngineFixture { Threads = 1 + (seed % 4) };
            var random = new Random(seed);
            var spine = Enumerable.Range(0, 3000).Select(i => (Id: Maybe(random, 20), Time: Maybe(random, 500), Value: (int?)i)).ToList();
            var first = Enumerable.Range(0, 2500).Select(i => (Id: Maybe(random, 25), Time: Maybe(random, 500), Value: (int?)i)).ToList();
            var second = Enumerable.Range(0, seed == 0 ? 0 : 300).Select(i => (Id: Maybe(random, 20), Time: Maybe(random, 500), Value: random.Next(4) == 0 ? (int?)null : i)).ToList();
            var ttl = random.Next(60);
            var joined = await fixture.RunAsync(StageOperations.SqlPointInTimeJoin, new
            {
                keys = new[] { "a" },
                timestamp = "t",
                features = new object[] { new { input = "x", ttl = TimeSpan.FromSeconds(ttl).ToString("c"), prefix = "x" }, new { input = "y", prefix = "y", columns = new[] { "v" } } },
            }, new() { ["data"] = await Table(fixture, spine), ["x"] = await Table(fixture, first), ["y"] = await Table(fixture, second) });

            int? Known(List<(int? Id, int? Time, int? Value)> table, (int? Id, int? Time, int? Value) row, int? life) => table
                .Where(other => other.Id is not null && other.Id == row.Id && other.Time <= row.Time && (life is null || row.Time - other.Time <= life))
                .Select((other, place) => (other, place)).OrderBy(item => item.other.Time).ThenBy(item => item.place).LastOrDefault().other.Value;

            var expected = spine.Select(row => (row.Value, Known(first, row, ttl), Known(second, row, null))).ToList();
            using var lease = fixture.Store.Get(joined.Artifacts["out"].Dataset!);
            Assert.Equal(["a", "t", "v", "x__v", "y__v"], lease.Schema.FieldsList.Select(field => field.Name));
            var actual = lease.Batches.SelectMany(batch => Enumerable.Range(0, batch.Length).Select(row => (Int(batch, 2, row), Int(batch, 3, row), Int(batch, 4, row)))).ToList();
            var wrong = expected.Zip(actual).Zip(spine).Where(pair => pair.First.First != pair.First.Second).ToList();
            Assert.True(wrong.Count == 0 && expected.Count == actual.Count, $"seed {seed}, {actual.Count} rows, {wrong.Count} wrong, such as {string.Join("; ", wrong.Take(3))}");
            Assert.Contains(expected, row => row.Item2 is not null);
        }
    }

    [Fact]
    public async Task The_last_of_equal_rows_counts_in_tables_of_many_chunks()
    {
        using var fixture = new EngineFixture { Threads = 4 };
        var spine = await fixture.QueryAsync("select i % 1000 as id, timestamp '2024-01-01' as t, i from range(300000) r(i)");
        var features = await fixture.QueryAsync("select i % 1000 as id, timestamp '2024-01-01' as t, i as v from range(400000) r(i)");
        var joined = await Join(fixture, ["id"], spine, new { input = "f" }, ("f", features));
        Assert.Equal("true", await fixture.ScalarAsync(joined, "bool_and(v = 399000 + id)"));
        using var lease = fixture.Store.Get(joined);
        Assert.Equal(Enumerable.Range(0, 300_000).Select(i => (long)i), lease.Batches.SelectMany(batch => ((Int64Array)batch.Column(2)).Values.ToArray()));
    }

    [Fact]
    public async Task Keys_may_have_other_names_and_hostile_ones()
    {
        using var fixture = new EngineFixture();
        var spine = await fixture.QueryAsync("""select 1 as "select", 'x' as "a""b", timestamp '2024-01-02' as "s.r" """);
        var features = await fixture.QueryAsync("""select 'x' as t, 1 as k, date '2024-01-01' as "order", 7 as "Select", 8 as r""");
        var joined = await fixture.RunAsync(StageOperations.SqlPointInTimeJoin,
            """{"keys":["select","a\"b"],"timestamp":"s.r","features":[{"input":"f","keys":["k","t"],"timestamp":"order"}]}""", new() { ["data"] = spine, ["f"] = features });
        using var lease = fixture.Store.Get(joined.Artifacts["out"].Dataset!);
        Assert.Equal(["select", "a\"b", "s.r", "Select", "r"], lease.Schema.FieldsList.Select(field => field.Name));
        Assert.Equal((7, 8), (Int(lease.Batches[0], 3, 0), Int(lease.Batches[0], 4, 0)));
    }

    [Theory]
    [InlineData("""{"keys":["id"],"timestamp":"t","features":[{"input":"f"}]}""", ErrorCodes.Invalid, "'n'")]
    [InlineData("""{"keys":["i"],"timestamp":"t","features":[{"input":"f"}]}""", ErrorCodes.UnknownColumn, "spine has no column 'i'")]
    [InlineData("""{"keys":["id"],"timestamp":"t","features":[{"input":"f","timestamp":"T"}]}""", ErrorCodes.UnknownColumn, "'f' has no column 'T'")]
    [InlineData("""{"keys":["id"],"timestamp":"n","features":[{"input":"f"}]}""", ErrorCodes.TypeMismatch, "'n'")]
    [InlineData("""{"keys":["id"],"timestamp":"t","features":[{"input":"f","keys":["s"],"prefix":"p"}]}""", ErrorCodes.TypeMismatch, "'s'")]
    [InlineData("""{"keys":["id"],"timestamp":"t","features":[{"input":"f","keys":["id","n"]}]}""", ErrorCodes.Invalid, "keys")]
    [InlineData("""{"keys":["id"],"timestamp":"t","features":[{"input":"f","ttl":"-00:00:01"}]}""", ErrorCodes.Invalid, "ttl")]
    [InlineData("""{"keys":["id"],"timestamp":"t","features":[]}""", ErrorCodes.Invalid, "features")]
    [InlineData("""{"keys":[],"timestamp":"t","features":[{"input":"f"}]}""", ErrorCodes.Invalid, "keys")]
    [InlineData("""{"keys":["id"],"timestamp":"t","features":[{"input":"f","ttl":"soon"}]}""", ErrorCodes.Invalid, "ttl")]
    public async Task What_does_not_join_is_refused_and_leaves_nothing(string options, string code, string named)
    {
        using var fixture = new EngineFixture();
        var spine = await fixture.QueryAsync(Spine);
        var features = await fixture.QueryAsync("select 2 as id, timestamp '2024-01-01' as t, 'x' as s, 1 as n");
        var error = await fixture.FailAsync(StageOperations.SqlPointInTimeJoin, options, new() { ["data"] = spine, ["f"] = features });
        Assert.Equal(code, error.Code);
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
        Assert.Equal(new[] { spine.Id, features.Id }.Order(), fixture.Store.List().Select(item => item.Id).Order());
    }

    private static async Task<ObjectRef> Join(EngineFixture fixture, string[] keys, ObjectRef spine, object feature, (string Name, ObjectRef Table) features) =>
        (await fixture.RunAsync(StageOperations.SqlPointInTimeJoin, new { keys, timestamp = "t", features = new[] { feature } },
            new() { ["data"] = spine, [features.Name] = features.Table })).Artifacts["out"].Dataset!;

    private static int? Maybe(Random random, int below) => random.Next(30) == 0 ? null : random.Next(below);

    private static Task<ObjectRef> Table(EngineFixture fixture, List<(int? Id, int? Time, int? Value)> rows)
    {
        static string Text(int? value) => value?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "null";
        var values = string.Join(',', rows.Select(row => $"({Text(row.Id)},{Text(row.Time)},{Text(row.Value)})").DefaultIfEmpty("(0,0,0)"));
        return fixture.QueryAsync($"select a::integer as a, timestamp '2024-01-01' + to_seconds(t) as t, v::integer as v from (values {values}) r(a, t, v) {(rows.Count == 0 ? "where false" : "")}");
    }

    private static int? Int(RecordBatch batch, int column, int row) => ((Int32Array)batch.Column(column)).GetValue(row);
}
