using System.Diagnostics;
using Apache.Arrow;

namespace Gristmill.Engines.Sql.Tests.Querying;

public sealed class QueryOperationTests
{
    [Fact]
    public async Task Two_inputs_are_joined_by_their_names()
    {
        using var fixture = new EngineFixture();
        var left = await fixture.QueryAsync("select i, i * 2 as twice from range(10000) r(i)");
        var right = await fixture.QueryAsync("select i, 'n' || i as name from range(5000, 20000) r(i)");
        var joined = await fixture.QueryAsync("select sum(twice)::bigint as s, count(name) as c from a join b using (i)", null, ("a", left), ("b", right));
        Assert.Equal("74995000,5000", await fixture.ScalarAsync(joined, "s || ',' || c"));
    }

    [Fact]
    public async Task Tables_of_a_loop_are_one_in_the_order_of_its_items()
    {
        using var fixture = new EngineFixture();
        var first = await fixture.QueryAsync("select i, 'a' || (i % 3) as name, i::decimal(9,2) as d, [i, null] as l from range(300000) r(i)");
        var second = await fixture.QueryAsync("select i, 'b' || (i % 5) as name, i::decimal(9,2) as d, [i] as l from range(300000, 300007) r(i)");
        var none = await fixture.QueryAsync("select i, 'c' as name, i::decimal(9,2) as d, [i] as l from range(0) r(i)");
        var inputs = new Dictionary<string, Artifact> { ["parts"] = Collected(Artifact.Of(none), null, Artifact.Of(first), Artifact.Of(none), Artifact.Of(second), null) };
        var all = (await fixture.ExecuteAsync(StageOperations.SqlQuery, new { query = "select * from parts" }, inputs)).Artifacts["out"].Dataset!;
        Assert.Equal("300007,300006,8,true", await fixture.ScalarAsync(all, "count(*) || ',' || max(i) || ',' || count(distinct name) || ',' || bool_and(l[1] = i and d = i)"));
        using var lease = fixture.Store.Get(all);
        var row = 0L;
        foreach (var batch in lease.Batches)
        {
            foreach (var value in (Int64Array)batch.Column(0))
            {
                Assert.Equal(row++, value);
            }
        }

        Assert.Equal(1, fixture.Store.LiveLeases);
    }

    [Theory]
    [InlineData("select 1 as i", "select 1::bigint as i", "item 3 has other columns")]
    [InlineData("select 1 as i", "select 1 as j", "j int32, not i int32")]
    [InlineData("select 1 as i", "select 1 as i, 2 as j", "item 3")]
    [InlineData("select [1] as i", "select ['x'] as i", "item 3")]
    [InlineData("select now()::timestamp as t", "select now() as t", "item 3")]
    public async Task Tables_of_a_loop_that_differ_are_refused(string first, string second, string message)
    {
        using var fixture = new EngineFixture();
        var (one, other) = (await fixture.QueryAsync(first), await fixture.QueryAsync(second));
        var inputs = new Dictionary<string, Artifact> { ["parts"] = Collected(Artifact.Of(one), null, Artifact.Of(other)) };
        var error = await Assert.ThrowsAsync<GristmillException>(() => fixture.ExecuteAsync(StageOperations.SqlQuery, new { query = "from parts" }, inputs));
        Assert.Equal(ErrorCodes.TypeMismatch, error.Code);
        Assert.Contains(message, error.Message);
    }

    [Fact]
    public async Task A_loop_that_made_no_table_has_no_columns_to_read()
    {
        using var fixture = new EngineFixture();
        async Task<GristmillException> FailAsync(params Artifact?[] items) => await Assert.ThrowsAsync<GristmillException>(
            () => fixture.ExecuteAsync(StageOperations.SqlQuery, new { query = "from parts" }, new Dictionary<string, Artifact> { ["parts"] = Collected(items) }));
        Assert.Equal(ErrorCodes.BadValue, (await FailAsync()).Code);
        Assert.Equal(ErrorCodes.BadValue, (await FailAsync(null, null)).Code);
        Assert.Equal(ErrorCodes.TypeMismatch, (await FailAsync(new Artifact { Kind = ArtifactKind.Metrics, Metrics = System.Collections.Immutable.ImmutableDictionary<string, double>.Empty })).Code);
    }

    private static Artifact Collected(params Artifact?[] items) => Artifact.Of(new CollectionRef { Stage = "part", Output = "out", Items = [.. items] });

    [Fact]
    public async Task An_input_may_have_any_name()
    {
        using var fixture = new EngineFixture();
        var rows = await fixture.QueryAsync("select 1 as i");
        const string Name = "we\"ird'; drop view x; --";
        var result = await fixture.QueryAsync($"select i from \"{Name.Replace("\"", "\"\"")}\"", null, (Name, rows));
        Assert.Equal(1, result.Rows);
    }

    [Theory]
    [InlineData("null", "\"NULL\"", null)]
    [InlineData("true", "BOOLEAN", "true")]
    [InlineData("7", "INTEGER", "7")]
    [InlineData("7000000000", "BIGINT", "7000000000")]
    [InlineData("170000000000000000000", "HUGEINT", "170000000000000000000")]
    [InlineData("1.5", "DOUBLE", "1.5")]
    [InlineData("\"'; drop view t; --\"", "VARCHAR", "'; drop view t; --")]
    [InlineData("{\"$date\":\"2001-04-01\"}", "DATE", "2001-04-01")]
    [InlineData("{\"$time\":\"13:30:00.25\"}", "TIME", "13:30:00.25")]
    [InlineData("{\"$timestamp\":\"2001-04-01T13:30:00.000125\"}", "TIMESTAMP", "2001-04-01 13:30:00.000125")]
    [InlineData("{\"$timestamp\":\"2001-04-01T13:30:00+02:00\"}", "TIMESTAMP WITH TIME ZONE", "2001-04-01 11:30:00+00")]
    [InlineData("{\"$decimal\":\"-12.50\"}", "DECIMAL(4,2)", "-12.50")]
    [InlineData("{\"$double\":\"NaN\"}", "DOUBLE", "nan")]
    [InlineData("{\"$blob\":\"YWI=\"}", "BLOB", "ab")]
    [InlineData("[1,2,3]", "INTEGER[]", "[1, 2, 3]")]
    [InlineData("[1,2.5]", "DOUBLE[]", "[1.0, 2.5]")]
    [InlineData("[\"a\",\"b\"]", "VARCHAR[]", "[a, b]")]
    public async Task Values_are_bound_with_their_types(string json, string type, string? text)
    {
        using var fixture = new EngineFixture();
        var options = """{"query":"select typeof($v) as t, [$v][1]::varchar as v","values":{"v":VALUE}}""".Replace("VALUE", json);
        var result = (await fixture.RunAsync(StageOperations.SqlQuery, options)).Artifacts["out"].Dataset!;
        using var lease = fixture.Store.Get(result);
        Assert.Equal(type, ((StringArray)lease.Batches[0].Column(0)).GetString(0));
        Assert.Equal(text, ((StringArray)lease.Batches[0].Column(1)).GetString(0));
    }

    [Theory]
    [InlineData("""{"query":"select $a + $b as x","values":{"a":1}}""", "$b")]
    [InlineData("""{"query":"select 1 as x","values":{"a":1}}""", "$a")]
    [InlineData("""{"query":"select $a as x","values":{"a":{"$date":"tomorrow"}}}""", "tomorrow")]
    [InlineData("""{"query":"select $a as x","values":{"a":{"x":1}}}""", "$a")]
    [InlineData("""{"query":"select $a as x","values":{"a":[1,"x"]}}""", "$a")]
    [InlineData("""{"values":{}}""", "query")]
    [InlineData("""{"query":"select 1","colour":"red"}""", "colour")]
    public async Task Options_that_do_not_fit_are_refused(string options, string named)
    {
        using var fixture = new EngineFixture();
        var error = await fixture.FailAsync(StageOperations.SqlQuery, options);
        Assert.Equal(ErrorCodes.Invalid, error.Code);
        Assert.Contains(named, error.Message);
    }

    [Fact]
    public async Task An_error_says_where_it_is_and_what_was_meant()
    {
        using var fixture = new EngineFixture();
        var rows = await fixture.QueryAsync("select 1 as delay, 2 as distance");
        var error = await fixture.FailAsync(StageOperations.SqlQuery, new { query = "select delay,\n  'é', distnce\nfrom flights" }, new() { ["flights"] = rows });
        Assert.Equal(ErrorCodes.Sql, error.Code);
        Assert.Contains("distnce", error.Message);
        Assert.Contains("LINE 2:   'é', distnce\n               ^", error.Message);
        Assert.Contains("distance", error.Error.Hint);
        Assert.Equal("2", error.Error.Details["line"]);
        Assert.Equal("8", error.Error.Details["column"]);
        Assert.Equal("22", error.Error.Details["position"]);
        Assert.Contains("distance", error.Error.Details["candidates"]);
    }

    [Theory]
    [InlineData("selec 1", "syntax error", "1")]
    [InlineData("select * from nowhere", "nowhere", "15")]
    [InlineData("select 'x'::int as i", "Could not convert", "11")]
    [InlineData("select error('by hand') as i", "by hand", null)]
    public async Task Every_kind_of_error_carries_duckdbs_message(string query, string message, string? position)
    {
        using var fixture = new EngineFixture();
        var error = await fixture.FailAsync(StageOperations.SqlQuery, new { query });
        Assert.Equal(ErrorCodes.Sql, error.Code);
        Assert.Contains(message, error.Message);
        Assert.Equal(position, error.Error.Details?.GetValueOrDefault("position"));
    }

    [Theory]
    [InlineData("copy (select 1) to 'FOLDER/out.csv'")]
    [InlineData("attach 'FOLDER/out.db'")]
    [InlineData("install httpfs")]
    [InlineData("load icu")]
    [InlineData("create table x (i int)")]
    [InlineData("drop view t")]
    [InlineData("set threads = 1")]
    [InlineData("pragma enable_profiling")]
    [InlineData("explain select 1")]
    [InlineData("select 1; select 2")]
    [InlineData("select 1; drop view t")]
    [InlineData("")]
    [InlineData("-- nothing")]
    [InlineData("select * from read_csv('/etc/passwd')")]
    [InlineData("select * from '/etc/passwd'")]
    [InlineData("select * from read_text('/etc/passwd')")]
    [InlineData("select * from glob('/etc/*')")]
    [InlineData("select 1 as a, 2 as a")]
    public async Task Anything_but_one_query_over_the_inputs_is_refused(string query)
    {
        using var fixture = new EngineFixture();
        var rows = await fixture.QueryAsync("select 1 as i");
        var error = await fixture.FailAsync(StageOperations.SqlQuery, new { query = query.Replace("FOLDER", fixture.Folder) }, new() { ["t"] = rows });
        Assert.Equal(ErrorCodes.Sql, error.Code);
        Assert.NotNull(error.Error.Hint);
        Assert.Empty(Directory.GetFiles(fixture.Folder));
        Assert.Single(fixture.Store.List());
    }

    [Theory]
    [InlineData("select sum(a.i * b.i)::varchar as x from range(10000000) a(i), range(10000000) b(i)")]
    [InlineData("select i, hash(i) as h from range(100000000000) r(i)")]
    public async Task A_cancelled_query_ends_soon_and_leaves_nothing(string query)
    {
        using var fixture = new EngineFixture();
        using var cancellation = new CancellationTokenSource();
        var running = fixture.RunAsync(StageOperations.SqlQuery, new { query }, cancellationToken: cancellation.Token);
        cancellation.CancelAfter(TimeSpan.FromMilliseconds(300));
        var cancelled = new TaskCompletionSource<long>();
        using var registration = cancellation.Token.Register(() => cancelled.SetResult(Stopwatch.GetTimestamp()));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        // One second where the machine is ours; the bound leaves room for one that is not.
        Assert.InRange(Stopwatch.GetElapsedTime(await cancelled.Task).TotalSeconds, 0, 5);
        Assert.Empty(fixture.Store.List());
        Assert.Empty(Directory.GetDirectories(fixture.Folder, "gristmill-sql-*"));
    }

    [Theory]
    [InlineData(StageOperations.SqlQuery, """{"query":"select * from data"}""")]
    [InlineData(StageOperations.SqlCheck, """{"rules":[{"kind":"rows","min":1}]}""")]
    public async Task Columns_that_SQL_does_not_tell_apart_are_named(string operation, string options)
    {
        using var fixture = new EngineFixture();
        ObjectRef Table(params string[] names)
        {
            var schema = new Schema(names.Select(name => new Field(name, Apache.Arrow.Types.Int64Type.Default, true)), null);
            using var batch = new RecordBatch(schema, names.Select(_ => (IArrowArray)new Int64Array.Builder().Append(1).Build()), 1);
            using var writer = fixture.Store.Create(schema, 1 << 16);
            writer.Append(batch);
            return writer.Seal();
        }

        foreach (var (table, named) in new[]
        {
            (Table("x", "Late", "late"), "'Late' and 'late'"), (Table("x", "É", "e", "E"), "'e' and 'E'"), (Table("x", ""), "without a name"), (Table("a\0b", "x"), "NUL"),
        })
        {
            var before = fixture.Store.List().Count();
            var error = await fixture.FailAsync(operation, options, new() { ["data"] = table });
            Assert.Equal(ErrorCodes.Sql, error.Code);
            Assert.Contains(named, error.Message, StringComparison.Ordinal);
            Assert.Equal(before, fixture.Store.List().Count());
        }

        await fixture.RunAsync(operation, options, new() { ["data"] = Table("\u00C9", "\u00E9", "\u017F", "s", "K", "\u212A", "a b", "c") });
    }

    [Fact]
    public async Task A_query_that_is_cancelled_before_it_starts_does_not_start()
    {
        using var fixture = new EngineFixture();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            fixture.RunAsync(StageOperations.SqlQuery, new { query = "select 1 as i" }, cancellationToken: new CancellationToken(canceled: true)));
    }

    [Fact]
    public async Task What_does_not_fit_in_memory_is_spilled_and_removed()
    {
        using var fixture = new EngineFixture { Limits = new StageLimits { MemoryMiB = 80 } };
        var sorted = await fixture.QueryAsync("select i, 'a text that takes some room ' || i as s from range(1500000) r(i) order by hash(i)");
        Assert.Equal(1_500_000, sorted.Rows);
        Assert.Empty(Directory.GetDirectories(fixture.Folder, "gristmill-sql-*"));
    }

    [Fact]
    public async Task What_cannot_be_spilled_fails_by_name()
    {
        using var fixture = new EngineFixture { Limits = new StageLimits { MemoryMiB = 80 } };
        var error = await fixture.FailAsync(StageOperations.SqlQuery, new { query = "select list(i) as l from range(100000000) r(i)" });
        Assert.Equal(ErrorCodes.WorkerMemory, error.Code);
        Assert.Empty(fixture.Store.List());
    }

    [Fact]
    public async Task Progress_tells_rows_and_share()
    {
        using var fixture = new EngineFixture();
        var rows = await fixture.QueryAsync("select i from range(4000000) r(i)");
        fixture.Reports.Clear();
        var inputs = new Dictionary<string, ObjectRef> { ["t"] = rows };
        await fixture.RunAsync(StageOperations.SqlQuery, new { query = "select i, md5(i::varchar) as h from t" }, inputs);
        Assert.NotEmpty(fixture.Reports);
        Assert.All(fixture.Reports, report => Assert.InRange(report.Fraction ?? 0, 0, 1));
        Assert.Contains(fixture.Reports, report => report.Fraction > 0);
    }
}
