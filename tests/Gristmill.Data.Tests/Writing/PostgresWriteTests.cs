using System.Collections.Immutable;
using Gristmill.Engines;
using Gristmill.Objects;

namespace Gristmill.Data.Tests.Writing;

public sealed class PostgresWriteTests(PostgresFixture server)
{
    private static readonly CancellationToken s_token = TestContext.Current.CancellationToken;
    private static int s_tables;

    [Fact]
    public async Task Create_makes_a_table_once_and_Append_adds_to_it()
    {
        var (fixture, connection) = server.Start();
        using var opened = fixture;
        var table = Name("create");
        var flow = Numbers(fixture, 70_000);

        var result = await flow.WritePostgresAsync(connection, table, cancellationToken: s_token);
        Assert.Equal((70_000, null, false), (result.Rows, result.Path, result.WasWritten));
        Assert.Equal((await flow.As<Number>().ToListAsync(s_token)).AsEnumerable(), await DataFlow.ReadPostgres(connection, table).With(fixture.Options).As<Number>().ToListAsync(s_token));

        var error = await FlowFixture.FailAsync(() => flow.WritePostgresAsync(connection, table, cancellationToken: s_token));
        Assert.Equal(ErrorCodes.Conflict, error.Code);

        await flow.WritePostgresAsync(connection, table, new PostgresWriteOptions { Mode = PostgresWriteMode.Append }, s_token);
        Assert.Equal(140_000, await CountAsync(table));
    }

    [Theory]
    [InlineData(PostgresWriteMode.Append)]
    [InlineData(PostgresWriteMode.Replace)]
    [InlineData(PostgresWriteMode.Upsert)]
    public async Task A_table_that_is_missing_is_made(PostgresWriteMode mode)
    {
        var (fixture, connection) = server.Start();
        using var opened = fixture;
        var table = Name("missing");
        var options = new PostgresWriteOptions { Mode = mode, Keys = mode == PostgresWriteMode.Upsert ? ["I"] : [] };
        await Numbers(fixture, 10).WritePostgresAsync(connection, table, options, s_token);
        Assert.Equal(10, await CountAsync(table));
        Assert.Equal(mode == PostgresWriteMode.Upsert ? 1L : 0L, await server.ScalarAsync<long>($"select count(*) from pg_index where indrelid = '{table}'::regclass and indisprimary"));
    }

    [Fact]
    public async Task Replace_shows_the_old_rows_until_the_new_ones_are_there()
    {
        var (fixture, connection) = server.Start();
        using var opened = fixture;
        var table = Name("replace");
        await server.RunAsync($"""create table {table}("I" int primary key, "X" float8, "Name" text); insert into {table} values (-1, 0, 'old'); create view {table}_view as select * from {table}""");
        var seen = new HashSet<long>();
        var flow = Numbers(fixture, 100_000).Map(n =>
        {
            if (n.I % 30_000 == 29_999)
            {
                lock (seen)
                {
                    seen.Add(CountAsync(table).GetAwaiter().GetResult());
                }
            }

            return n;
        });
        await flow.WritePostgresAsync(connection, table, new PostgresWriteOptions { Mode = PostgresWriteMode.Replace }, s_token);
        Assert.Equal([1L], seen);
        Assert.Equal(100_000, await CountAsync(table + "_view"));
        Assert.Equal(0, await server.ScalarAsync<long>($"""select count(*) from {table} where "I" < 0"""));

        // Of two at once, one follows the other.
        var options = new PostgresWriteOptions { Mode = PostgresWriteMode.Replace };
        await server.RunAsync($"create table {table}_free as select * from {table} limit 5");
        await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Numbers(fixture, 20_000).WritePostgresAsync(connection, table + "_free", options, s_token)));
        Assert.Equal(20_000, await CountAsync(table + "_free"));
    }

    [Fact]
    public async Task Upsert_changes_rows_by_key_and_keeps_columns_that_it_has_not()
    {
        var (fixture, connection) = server.Start();
        using var opened = fixture;
        var table = Name("upsert");
        await server.RunAsync($"""create table {table}("I" int, "Name" varchar(20), note text default 'new', primary key("I")); insert into {table} values (1, 'one', 'kept'), (5000, 'far', 'kept')""");
        var options = new PostgresWriteOptions { Mode = PostgresWriteMode.Upsert, Keys = ["I"] };
        var flow = Numbers(fixture, 1000).Select("I", "Name");
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal(1000, (await flow.WritePostgresAsync(connection, table, options, s_token)).Rows);
            Assert.Equal("1001|name 1|kept|new", await server.ScalarAsync<string>($"""select (select count(*) from {table}) || '|' || string_agg("Name" || '|' || note, '|' order by "I") filter (where "I" = 1) || '|' || min(note) filter (where "I" = 7) from {table}"""));
        }

        // Keys alone: rows that are there stay.
        await flow.Select("I").WritePostgresAsync(connection, table, options, s_token);
        Assert.Equal(1001, await CountAsync(table));

        var twice = await FlowFixture.FailAsync(() => flow.Sql("select 1::int as \"I\", 'x' as \"Name\" from range(2)").WritePostgresAsync(connection, table, options, s_token));
        Assert.Equal(ErrorCodes.BadValue, twice.Code);
        var without = await FlowFixture.FailAsync(() => flow.WritePostgresAsync(connection, table, options with { Keys = ["Name"] }, s_token));
        Assert.Equal(ErrorCodes.Invalid, without.Code);
        var unknown = await FlowFixture.FailAsync(() => flow.WritePostgresAsync(connection, table, options with { Keys = ["nothing"] }, s_token));
        Assert.Equal((ErrorCodes.UnknownColumn, "nothing"), (unknown.Code, unknown.Error.Details["column"]));
        Assert.Equal(ErrorCodes.Invalid, (await FlowFixture.FailAsync(() => flow.WritePostgresAsync(connection, table, options with { Keys = [] }, s_token))).Code);
        Assert.Equal("name 1", await server.ScalarAsync<string>($"""select "Name" from {table} where "I" = 1"""));
    }

    [Fact]
    public async Task Names_are_taken_as_they_are()
    {
        var (fixture, connection) = server.Start();
        using var opened = fixture;
        await server.RunAsync("""create schema "my ""schema""; drop table" """);
        const string Table = "a\"; drop table \"victim\"; --", Column = "x\" int); --";
        await server.RunAsync("create table if not exists victim(i int)");
        var flow = DataFlow.From(Batches.Schema(Column, "select", "日本"), [Batches.Integers(Batches.Schema(Column, "select", "日本"), 3)]).With(fixture.Options);
        foreach (var mode in new[] { PostgresWriteMode.Create, PostgresWriteMode.Append, PostgresWriteMode.Replace })
        {
            await flow.WritePostgresAsync(connection, Table, new PostgresWriteOptions { Schema = "my \"schema\"; drop table", Mode = mode }, s_token);
        }

        var options = new PostgresWriteOptions { Schema = "my \"schema\"; drop table", Mode = PostgresWriteMode.Upsert, Keys = [Column] };
        for (var i = 0; i < 2; i++)
        {
            await flow.WritePostgresAsync(Stage(fixture, "names"), connection, Table + "2", options with { Name = $"'; {i}" }, s_token);
        }

        Assert.Equal(3, await DataFlow.ReadPostgres(connection, Table, options.Schema).With(fixture.Options).CountAsync(s_token));
        Assert.Equal(3, await DataFlow.ReadPostgres(connection, Table + "2", options.Schema).With(fixture.Options).CountAsync(s_token));
        Assert.Equal(0, await CountAsync("victim"));

        foreach (var name in new[] { "", new string('x', 64), "a\0b" })
        {
            Assert.Equal(ErrorCodes.Invalid, (await FlowFixture.FailAsync(() => flow.WritePostgresAsync(connection, name, cancellationToken: s_token))).Code);
            var columns = DataFlow.From(Batches.Schema(name), [Batches.Integers(Batches.Schema(name), 1)]);
            Assert.Equal(ErrorCodes.Invalid, (await FlowFixture.FailAsync(() => columns.WritePostgresAsync(connection, Name("bad"), cancellationToken: s_token))).Code);
        }
    }

    [Theory]
    [InlineData("i int", "select 1 as i, 2 as j", ErrorCodes.UnknownColumn, "j")]
    [InlineData("i int, k int not null", "select 1 as i", ErrorCodes.UnknownColumn, "k")]
    [InlineData("i int, k int generated always as (i + 1) stored", "select 1 as i, 2 as k", ErrorCodes.TypeMismatch, "k")]
    [InlineData("i int", "select 1.5::double as i", ErrorCodes.TypeMismatch, "i")]
    [InlineData("i real", "select 1.5::double as i", ErrorCodes.TypeMismatch, "i")]
    [InlineData("i timestamptz", "select timestamp '2026-11-28 04:30:00' as i", ErrorCodes.TypeMismatch, "i")]
    [InlineData("i int", "select 'x' as i", ErrorCodes.TypeMismatch, "i")]
    [InlineData("i int", "select {'a': 1} as i", ErrorCodes.TypeMismatch, "i")]
    [InlineData(null, "select {'a': 1} as i", ErrorCodes.TypeMismatch, "i")]
    [InlineData(null, "select [[1]] as i", ErrorCodes.TypeMismatch, "i")]
    [InlineData("i text[]", "select [1] as i", ErrorCodes.TypeMismatch, "i")]
    public async Task A_table_that_is_not_for_the_columns_is_an_error(string? columns, string query, string code, string column)
    {
        var (fixture, connection) = server.Start();
        using var opened = fixture;
        var table = Name("misfit");
        if (columns is not null)
        {
            await server.RunAsync($"create table {table}({columns})");
        }

        var error = await FlowFixture.FailAsync(() => Numbers(fixture, 1).Sql(query).WritePostgresAsync(connection, table, new PostgresWriteOptions { Mode = PostgresWriteMode.Append }, s_token));
        Assert.Equal((code, column), (error.Code, error.Error.Details["column"]));
        Assert.Equal(columns is not null, await server.ScalarAsync<bool>($"select to_regclass('{table}') is not null"));
    }

    [Theory]
    [InlineData("v smallint", "case when i = 70000 then 32768 else i % 100 end", ErrorCodes.BadValue, "70000")]
    [InlineData("v int not null", "case when i <> 70000 then i end", ErrorCodes.BadValue, "70000")]
    [InlineData("v text", "case when i = 70000 then chr(0) else 'a' end", ErrorCodes.BadValue, "70000")]
    [InlineData("v numeric(6, 1)", "case when i = 70000 then 1.25 else 1.50 end::decimal(8, 2)", ErrorCodes.BadValue, "70000")]
    [InlineData("v numeric(3, 2)", "case when i = 70000 then 10.00 else 1.50 end::decimal(8, 2)", ErrorCodes.BadValue, "70000")]
    [InlineData("v varchar(3)", "case when i = 70000 then 'four' else 'a' end", ErrorCodes.BadValue, "70000")]
    [InlineData("v jsonb", "case when i = 70000 then '{' else '{}' end", ErrorCodes.BadValue, "70000")]
    [InlineData("v uuid", "case when i = 70000 then 'x' else '01020304-0506-0708-090a-0b0c0d0e0f10' end", ErrorCodes.BadValue, "70000")]
    [InlineData("v int check (v < 70000)", "i::int", ErrorCodes.BadValue, "70000")]
    [InlineData("v int primary key", "case when i = 70000 then 1 else i::int end", ErrorCodes.Conflict, "70000")]
    [InlineData("v date", "case when i = 70000 then 'infinity'::date else '2026-11-28'::date end", ErrorCodes.BadValue, "70000")]
    [InlineData("v timestamp", "case when i = 70000 then 'infinity'::timestamp else '2026-11-28'::timestamp end", ErrorCodes.BadValue, "70000")]
    [InlineData("v timestamp", "case when i = 70000 then '2026-11-28 00:00:00.123456789'::timestamp_ns else '2026-11-28 00:00:00.123456'::timestamp_ns end", ErrorCodes.BadValue, "70000")]
    public async Task A_value_that_does_not_fit_is_named_and_the_table_is_as_before(string column, string value, string code, string row)
    {
        var (fixture, connection) = server.Start();
        using var opened = fixture;
        var table = Name("value");
        await server.RunAsync($"create table {table}({column})");
        var flow = Numbers(fixture, 100_000).Sql("select " + value + " as v from (select \"I\" as i from input)");
        var error = await FlowFixture.FailAsync(() => flow.WritePostgresAsync(connection, table, new PostgresWriteOptions { Mode = PostgresWriteMode.Append }, s_token));
        Assert.Equal((code, row), (error.Code, error.Error.Details.GetValueOrDefault("row")));
        Assert.Contains(table, error.Message, StringComparison.Ordinal);
        Assert.Equal(0, await CountAsync(table));
    }

    [Fact]
    public async Task A_flow_that_fails_or_is_cancelled_leaves_the_table_as_before()
    {
        var (fixture, connection) = server.Start();
        using var opened = fixture;
        foreach (var mode in Enum.GetValues<PostgresWriteMode>())
        {
            var table = Name("fails");
            var options = new PostgresWriteOptions { Mode = mode, Keys = mode == PostgresWriteMode.Upsert ? ["I"] : [] };
            if (mode != PostgresWriteMode.Create)
            {
                await Numbers(fixture, 10).WritePostgresAsync(connection, table, options, s_token);
            }

            await FlowFixture.FailAsync(() => Numbers(fixture, 200_000).Map(n => n with { X = 1 / (n.I - 150_000) }).WritePostgresAsync(connection, table, options, s_token));
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(s_token);
            var cancelled = Numbers(fixture, 200_000).Map(n =>
            {
                if (n.I == 150_000)
                {
                    stop.Cancel();
                }

                return n;
            });
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.WritePostgresAsync(connection, table, options, stop.Token));
            Assert.Equal(mode == PostgresWriteMode.Create ? -1 : 10, await server.ScalarAsync<bool>($"select to_regclass('{table}') is null") ? -1 : await CountAsync(table));
        }
    }

    [Fact]
    public async Task A_connection_that_is_ended_in_the_middle_leaves_the_table_as_before_and_the_stage_writes_it_later()
    {
        var (fixture, connection) = server.Start();
        using var opened = fixture;
        var table = Name("ended");
        await Numbers(fixture, 10).WritePostgresAsync(connection, table, cancellationToken: s_token);
        var options = new PostgresWriteOptions { Mode = PostgresWriteMode.Append };
        var kill = true;
        var flow = Numbers(fixture, 200_000).Map(n =>
        {
            if (kill && n.I == 150_000)
            {
                server.RunAsync($"select pg_terminate_backend(pid) from pg_stat_activity where query like 'copy %{table}%'").GetAwaiter().GetResult();
            }

            return n;
        });
        var stage = Stage(fixture, table);
        var error = await FlowFixture.FailAsync(() => flow.WritePostgresAsync(stage, connection, table, options, s_token));
        Assert.Equal(ErrorCodes.SourceUnavailable, error.Code);
        Assert.DoesNotContain("only-for-tests", error.ToString(), StringComparison.Ordinal);
        Assert.Equal(10, await CountAsync(table));

        kill = false;
        Assert.Equal((200_000, false), await Outcome(flow.WritePostgresAsync(stage, connection, table, options, s_token)));
        Assert.Equal(200_010, await CountAsync(table));
    }

    [Fact]
    public async Task A_stage_that_is_executed_again_writes_nothing_twice()
    {
        var (fixture, connection) = server.Start();
        using var opened = fixture;
        var table = Name("again");
        var options = new PostgresWriteOptions { Mode = PostgresWriteMode.Append };
        var flow = Numbers(fixture, 5000);
        var first = Stage(fixture, table);
        Assert.Equal((5000, false), await Outcome(flow.WritePostgresAsync(first, connection, table, options, s_token)));

        // Within one attempt it is a second write, which would be lost.
        Assert.Equal(ErrorCodes.Conflict, (await FlowFixture.FailAsync(() => flow.WritePostgresAsync(first, connection, table, options, s_token))).Code);
        Assert.Equal((100, false), await Outcome(Numbers(fixture, 100).WritePostgresAsync(first, connection, table, options with { Name = "rest" }, s_token)));

        // The next attempt finds both, also where its flow cannot be read any more.
        var second = Stage(fixture, table, attempt: 2);
        Assert.Equal((5000, true), await Outcome(DataFlow.Read("gone.parquet").WritePostgresAsync(second, connection, table, options, s_token)));
        Assert.Equal((100, true), await Outcome(flow.WritePostgresAsync(second, connection, table, options with { Name = "rest" }, s_token)));
        Assert.Equal(5100, await CountAsync(table));

        // Another run, and another stage, write their own.
        Assert.Equal((5000, false), await Outcome(flow.WritePostgresAsync(Stage(fixture, table + "-2"), connection, table, options, s_token)));
        Assert.Equal((5000, false), await Outcome(flow.WritePostgresAsync(Stage(fixture, table, stage: "other"), connection, table, options, s_token)));
        Assert.Equal(15_100, await CountAsync(table));
        Assert.Equal($"{table}|write|5000", await server.ScalarAsync<string>($"select run || '|' || stage || '|' || rows from gristmill_writes where run = '{table}' and stage = 'write' and target = '{table}' and name = ''"));
    }

    [Fact]
    public async Task Of_executions_at_once_one_writes()
    {
        var (fixture, connection) = server.Start();
        using var opened = fixture;
        var table = Name("at_once");
        await server.RunAsync($"create schema {table}_schema; create table {table}_schema.{table}(\"I\" int, \"X\" float8, \"Name\" text)");
        var options = new PostgresWriteOptions { Schema = table + "_schema", Mode = PostgresWriteMode.Append };
        var results = await Task.WhenAll(Enumerable.Range(1, 4).Select(i => Outcome(Numbers(fixture, 60_000).WritePostgresAsync(Stage(fixture, table, attempt: i), connection, table, options, s_token))));
        Assert.Equal([false, true, true, true], results.Select(static result => result.WasWritten).Order());
        Assert.All(results, static result => Assert.Equal(60_000, result.Rows));
        Assert.Equal(60_000, await CountAsync($"{table}_schema.{table}"));

        // Where the first fails, the one that waits writes.
        using var begun = new ManualResetEventSlim();
        var failing = Numbers(fixture, 60_000).Map(n =>
        {
            if (n.I == 50_000)
            {
                begun.Wait(s_token);
                throw new InvalidOperationException("fails");
            }

            return n;
        }).WritePostgresAsync(Stage(fixture, table + "-2"), connection, table, options, s_token);
        await UntilAsync($"select exists(select from pg_stat_activity where query like 'copy %{table}%')");
        var waiting = Numbers(fixture, 100).WritePostgresAsync(Stage(fixture, table + "-2", attempt: 2), connection, table, options, s_token);
        await UntilAsync("select exists(select from pg_stat_activity where query like 'insert into %gristmill_writes%' and wait_event_type = 'Lock')");
        begun.Set();
        await FlowFixture.FailAsync(() => failing);
        Assert.Equal((100, false), await Outcome(waiting));
        Assert.Equal(60_100, await CountAsync($"{table}_schema.{table}"));
    }

    [Fact]
    public async Task Cancelling_ends_what_waits_for_the_server()
    {
        var (fixture, connection) = server.Start();
        using var opened = fixture;
        var table = Name("waits");
        await server.RunAsync($"""
            create table {table}("I" int, "X" float8, "Name" text);
            create function {table}_slow() returns trigger language plpgsql as 'begin perform pg_sleep(600); return null; end';
            create trigger slow after insert on {table} for each statement execute function {table}_slow()
            """);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(s_token);
        var write = Numbers(fixture, 10).WritePostgresAsync(connection, table, new PostgresWriteOptions { Mode = PostgresWriteMode.Append }, stop.Token);
        await UntilAsync($"select exists(select from pg_stat_activity where query like 'copy %{table}%' and wait_event = 'PgSleep')");
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => write);
        await UntilAsync($"select not exists(select from pg_stat_activity where query like 'copy %{table}%')");
        Assert.Equal(0, await CountAsync(table));
    }

    [Fact]
    public async Task A_server_that_takes_its_time_is_waited_for()
    {
        var (fixture, _) = server.Start();
        using var opened = fixture;
        var table = Name("slow");
        await server.RunAsync($"""
            create table {table}("I" int, "X" float8, "Name" text);
            create function {table}_slow() returns trigger language plpgsql as 'begin perform pg_sleep(1.5); return null; end';
            create trigger slow after insert on {table} for each statement execute function {table}_slow()
            """);
        var hasty = PostgresConnection.FromString(server.ConnectionString + ";Command Timeout=1");
        await Numbers(fixture, 10).WritePostgresAsync(hasty, table, new PostgresWriteOptions { Mode = PostgresWriteMode.Append }, s_token);
        Assert.Equal(10, await CountAsync(table));
        Assert.Equal(1, await DataFlow.ReadPostgresQuery(hasty, "select pg_sleep(1.5)::text as v").With(fixture.Options).CountAsync(s_token));
    }

    [Fact]
    public async Task What_the_server_does_not_allow_is_an_error()
    {
        var (fixture, connection) = server.Start();
        using var opened = fixture;
        var table = Name("rights");
        await server.RunAsync($"create table {table}(\"I\" int, \"X\" float8, \"Name\" text); create role {table}_user login password 'only-for-tests'");
        var stranger = PostgresConnection.FromString($"{server.ConnectionString};Username={table}_user");
        var append = new PostgresWriteOptions { Mode = PostgresWriteMode.Append };
        var flow = Numbers(fixture, 10);
        var error = await FlowFixture.FailAsync(() => flow.WritePostgresAsync(stranger, table, append, s_token));
        Assert.Equal(ErrorCodes.Sql, error.Code);
        Assert.Contains("42501", error.Message, StringComparison.Ordinal);
        Assert.Equal(ErrorCodes.Sql, (await FlowFixture.FailAsync(() => flow.WritePostgresAsync(stranger, table + "_new", append, s_token))).Code);
        Assert.Equal(ErrorCodes.Sql, (await FlowFixture.FailAsync(() => flow.WritePostgresAsync(connection, table, append with { Schema = "nowhere" }, s_token))).Code);
        Assert.Equal(ErrorCodes.SourceUnavailable, (await FlowFixture.FailAsync(() => flow.WritePostgresAsync(PostgresConnection.FromString("Host=127.0.0.1;Port=1"), table, append, s_token))).Code);
        await server.RunAsync($"grant insert on {table} to {table}_user");
        await flow.WritePostgresAsync(stranger, table, append, s_token);
        Assert.Equal(10, await CountAsync(table));
    }

    [Fact]
    public async Task Blocks_wait_for_the_server()
    {
        var (fixture, connection) = server.Start();
        using var opened = fixture;
        var flow = Numbers(fixture, 300_000).Sql("select *, repeat('x', 500) as long from input").With(fixture.Options with { MemoryLimit = 64 << 20 });
        var result = await flow.As<Long>().WritePostgresAsync(connection, Name("large"), cancellationToken: s_token);
        Assert.Equal(300_000, result.Rows);
        Assert.InRange(result.Progress.PeakMemory, 1, 64 << 20);
    }

    private static string Name(string name) => $"{name}_{Interlocked.Increment(ref s_tables)}";

    private static DataFlow<Number> Numbers(FlowFixture fixture, int rows)
    {
        var file = $"numbers-{rows}.parquet";
        lock (fixture)
        {
            if (!File.Exists(fixture.File(file)))
            {
                fixture.Numbers(file, rows);
            }
        }

        return fixture.Read(file).Map((Number n) => n);
    }

    private static async Task<(long Rows, bool WasWritten)> Outcome(Task<FlowResult> write) => await write is var result ? (result.Rows, result.WasWritten) : default;

    private static StageContext Stage(FlowFixture fixture, string run, string stage = "write", int attempt = 1) => new()
    {
        Request = new StageRequest { RunId = run, Stage = stage, Attempt = attempt, Epoch = attempt, Operation = "code.call", Inputs = ImmutableDictionary<string, Artifact>.Empty },
        Objects = fixture.Store,
        Content = new ContentStore(fixture.File("content")),
        Models = null!,
        Threads = 2,
        BaseDirectory = fixture.Folder,
    };

    private Task<long> CountAsync(string table) => server.ScalarAsync<long>($"select count(*) from {table}");

    private async Task UntilAsync(string query)
    {
        while (!await server.ScalarAsync<bool>(query))
        {
            await Task.Delay(20, s_token);
        }
    }

    private readonly record struct Long(int I, string Name, [property: System.ComponentModel.DataAnnotations.Schema.Column("long")] string Text);
}
