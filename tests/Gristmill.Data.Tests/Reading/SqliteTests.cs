using Apache.Arrow.Types;
using Microsoft.Data.Sqlite;

namespace Gristmill.Data.Tests.Reading;

public sealed class SqliteTests
{
    private static readonly CancellationToken s_token = TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_table_has_its_declared_types_and_rows_in_order()
    {
        using var fixture = new FlowFixture();
        Run(fixture, """
            create table t (i integer primary key, small smallint, ok boolean, x real, price decimal(10, 2), name varchar(20), data blob, day date, at datetime);
            with recursive n(i) as (select 0 union all select i + 1 from n where i < 49999)
            insert into t select i, i % 7, i % 2, i / 4.0, i, 'name ' || i, x'0102', '2026-11-28', '2026-11-28 04:30:00.5' from n;
            insert into t (i) values (50000);
            """);

        var flow = DataFlow.ReadSqlite("a.db", "t").With(fixture.Options);
        var schema = await flow.GetSchemaAsync(s_token);
        Assert.Equal([ArrowTypeId.Int64, ArrowTypeId.Int64, ArrowTypeId.Boolean, ArrowTypeId.Double, ArrowTypeId.Double, ArrowTypeId.String, ArrowTypeId.Binary, ArrowTypeId.Date32, ArrowTypeId.Timestamp],
            schema.FieldsList.Select(static field => field.DataType.TypeId));
        Assert.Contains("by SQLite", flow.Explain(), StringComparison.Ordinal);

        var rows = await flow.As<Row>().ToListAsync(s_token);
        Assert.Equal(50_001, rows.Count);
        Assert.Equal(Enumerable.Range(0, 50_001).Select(static i => (long)i), rows.Select(static row => row.I));
        var row = rows[40_001];
        Assert.Equal((3L, true, 10_000.25, 40_001.0, "name 40001"), (row.Small, row.Ok, row.X, row.Price, row.Name));
        Assert.Equal([1, 2], row.Data!);
        Assert.Equal(new DateOnly(2026, 11, 28), row.Day);
        Assert.Equal(new DateTime(2026, 11, 28, 4, 30, 0, 500), row.At);
        Assert.Equal(new Row(50_000, null, null, null, null, null, null, null, null), rows[^1]);
    }

    [Fact]
    public async Task A_query_goes_through_SQL_functions_and_into_an_object()
    {
        using var fixture = new FlowFixture();
        Run(fixture, "create table t (i int, name text); insert into t values (1, 'a'), (2, 'b'), (3, 'b');");
        var flow = DataFlow.ReadSqliteQuery("a.db", "select name, i * 10 as tens, i / 2.0 as half from t order by i").With(fixture.Options);
        Assert.Equal([10.0, 50.0], await flow.Sql("select name, sum(tens)::double as total from input group by name order by name").Map((Total t) => t.Value).ToListAsync(s_token));
        using var lease = fixture.Store.Get(await flow.ToObjectAsync(fixture.Store, s_token));
        Assert.Equal(3, lease.Ref.Rows);
        Assert.Equal(ArrowTypeId.Double, lease.Schema.GetFieldByName("half").DataType.TypeId);
    }

    [Fact]
    public async Task A_value_that_does_not_fit_is_named_by_table_column_and_row()
    {
        using var fixture = new FlowFixture();
        Run(fixture, """
            create table t (i integer, x);
            with recursive n(i) as (select 0 union all select i + 1 from n where i < 29999) insert into t select i, i from n;
            insert into t values ('many', 1);
            insert into t values (7, 'text');
            """);
        var error = await FlowFixture.FailAsync(() => DataFlow.ReadSqlite("a.db", "t").With(fixture.Options).CountAsync(s_token));
        Assert.Equal(ErrorCodes.TypeMismatch, error.Code);
        Assert.Equal(("i", "30000"), (error.Error.Details["column"], error.Error.Details["row"]));
        Assert.Contains("The table 't'", error.Message, StringComparison.Ordinal);
        Assert.Contains("'many'", error.Message, StringComparison.Ordinal);

        // Behind the rows that said the type.
        error = await FlowFixture.FailAsync(() => DataFlow.ReadSqliteQuery("a.db", "select x from t").With(fixture.Options).CountAsync(s_token));
        Assert.Equal(("x", "30001"), (error.Error.Details["column"], error.Error.Details["row"]));
        Assert.Equal(30_002, await DataFlow.ReadSqliteQuery("a.db", "select cast(x as text) as x from t").With(fixture.Options).CountAsync(s_token));
    }

    [Theory]
    [InlineData("create table t (v integer); insert into t values (1.5)", null)]
    [InlineData("create table t (v real); insert into t values ('x')", null)]
    [InlineData("create table t (v boolean); insert into t values (2)", null)]
    [InlineData("create table t (v text); insert into t values (x'ff')", null)]
    [InlineData("create table t (v text); insert into t values (cast(x'ff' as text))", null)]
    [InlineData("create table t (v blob); insert into t values ('text')", null)]
    [InlineData("create table t (v date); insert into t values ('2026-02-30')", null)]
    [InlineData("create table t (v datetime); insert into t values (1764300000)", null)]
    [InlineData("create table t (v datetime); insert into t values ('2026-11-28 04:30:00.1234567')", null)]
    [InlineData("create table t (v); insert into t values (1), ('b')", null)]
    [InlineData("create table t (v integer); insert into t values (9007199254740993)", SqliteType.Double)]
    public async Task No_value_is_converted_with_loss(string rows, SqliteType? type)
    {
        using var fixture = new FlowFixture();
        Run(fixture, rows);
        var options = new SqliteReadOptions { Types = type is { } said ? new Dictionary<string, SqliteType> { ["v"] = said } : new Dictionary<string, SqliteType>() };
        var error = await FlowFixture.FailAsync(() => DataFlow.ReadSqlite("a.db", "t", options).With(fixture.Options).CountAsync(s_token));
        Assert.Equal((ErrorCodes.TypeMismatch, "v"), (error.Code, error.Error.Details["column"]));
    }

    [Theory]
    [InlineData("2026-11-28", "2026-11-28T00:00:00")]
    [InlineData("2026-11-28 04:30", "2026-11-28T04:30:00")]
    [InlineData("2026-11-28T04:30:00Z", "2026-11-28T04:30:00")]
    [InlineData("2026-11-28 04:30:00.123456+02:00", "2026-11-28T02:30:00.123456")]
    public async Task Times_are_read_as_UTC(string text, string expected)
    {
        using var fixture = new FlowFixture();
        Run(fixture, $"create table t (at timestamp); insert into t values ('{text}')");
        Assert.Equal([DateTime.Parse(expected, System.Globalization.CultureInfo.InvariantCulture)], await DataFlow.ReadSqlite("a.db", "t").With(fixture.Options).As<DateTime>().ToListAsync(s_token));
    }

    [Theory]
    [InlineData("select * from missing", ErrorCodes.Sql)]
    [InlineData("selec 1", ErrorCodes.Sql)]
    [InlineData("select 1 as a; select 2 as b", ErrorCodes.Invalid)]
    [InlineData("delete from t", ErrorCodes.Invalid)]
    [InlineData("delete from t returning i", ErrorCodes.Invalid)]
    [InlineData("attach 'b.db' as b", ErrorCodes.Invalid)]
    [InlineData("select i as a, i as a from t", ErrorCodes.Invalid)]
    [InlineData("-- nothing", ErrorCodes.Invalid)]
    public async Task What_is_no_query_is_refused_and_changes_nothing(string query, string code)
    {
        using var fixture = new FlowFixture();
        Run(fixture, "create table t (i integer); insert into t values (1)");
        Assert.Equal(code, (await FlowFixture.FailAsync(() => DataFlow.ReadSqliteQuery("a.db", query).With(fixture.Options).CountAsync(s_token))).Code);
        Assert.Equal(1, await DataFlow.ReadSqlite("a.db", "t").With(fixture.Options).CountAsync(s_token));
        Assert.False(File.Exists(fixture.File("b.db")));
    }

    [Fact]
    public async Task Files_that_are_not_there_or_no_databases_are_named()
    {
        using var fixture = new FlowFixture();
        Assert.Equal(ErrorCodes.FileNotFound, (await FlowFixture.FailAsync(() => DataFlow.ReadSqlite("none.db", "t").With(fixture.Options).CountAsync(s_token))).Code);
        Assert.False(File.Exists(fixture.File("none.db")));
        await File.WriteAllTextAsync(fixture.File("text.db"), new string('x', 10_000), s_token);
        Assert.Equal(ErrorCodes.FileFormat, (await FlowFixture.FailAsync(() => DataFlow.ReadSqlite("text.db", "t").With(fixture.Options).CountAsync(s_token))).Code);

        Run(fixture, "create table t (i integer); with recursive n(i) as (select 0 union all select i + 1 from n where i < 9999) insert into t select i from n");
        var bytes = await File.ReadAllBytesAsync(fixture.File("a.db"), s_token);
        await File.WriteAllBytesAsync(fixture.File("cut.db"), bytes[..(bytes.Length / 2)], s_token);
        Assert.Equal(ErrorCodes.FileFormat, (await FlowFixture.FailAsync(() => DataFlow.ReadSqlite("cut.db", "t").With(fixture.Options).CountAsync(s_token))).Code);

        // A page that is its own child would give its rows again and again.
        var root = bytes.ToArray();
        for (var child = 0; child < 4; child++)
        {
            root[4096 + 8 + child] = (byte)(child == 3 ? 2 : 0);
        }

        await File.WriteAllBytesAsync(fixture.File("loop.db"), root, s_token);
        Assert.Equal(ErrorCodes.FileFormat, (await FlowFixture.FailAsync(() => DataFlow.ReadSqlite("loop.db", "t").With(fixture.Options).CountAsync(s_token))).Code);
    }

    [Fact]
    public async Task Rows_are_of_one_moment_and_blocks_stay_within_their_memory()
    {
        using var fixture = new FlowFixture();
        Run(fixture, """
            pragma journal_mode = wal;
            create table t (i integer, text text);
            with recursive n(i) as (select 0 union all select i + 1 from n where i < 199999) insert into t select i, printf('%0500d', i) from n;
            """);
        var (rows, peak) = (0L, 0L);
        var result = await DataFlow.ReadSqlite("a.db", "t").With(fixture.Options with { MemoryLimit = 64 << 20 }).ForEachBlockAsync(batch =>
        {
            if (rows == 0)
            {
                Run(fixture, "delete from t where i > 100");
            }

            rows += batch.Length;
        }, s_token);
        peak = result.Progress.PeakMemory;
        Assert.Equal(200_000, rows);
        Assert.InRange(peak, 1, 64 << 20);
        Assert.Equal(101, await DataFlow.ReadSqlite("a.db", "t").With(fixture.Options).CountAsync(s_token));
    }

    [Fact]
    public async Task Cancelling_ends_a_query_that_gives_no_rows_yet()
    {
        using var fixture = new FlowFixture();
        Run(fixture, "create table t (i integer)");
        using var end = CancellationTokenSource.CreateLinkedTokenSource(s_token);
        var reading = DataFlow.ReadSqliteQuery("a.db", "with recursive n(i) as (select 0 union all select i + 1 from n) select cast(count(*) as integer) as c from n").With(
            fixture.Options with { Progress = new Told(_ => end.Cancel()) }).CountAsync(end.Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
    }

    private static void Run(FlowFixture fixture, string statements)
    {
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = fixture.File("a.db"), Pooling = false }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = statements;
        command.ExecuteNonQuery();
    }

    internal readonly record struct Row(long I, long? Small, bool? Ok, double? X, double? Price, string? Name, byte[]? Data, DateOnly? Day, DateTime? At);

    internal readonly record struct Total([property: System.ComponentModel.DataAnnotations.Schema.Column("total")] double Value);
}
