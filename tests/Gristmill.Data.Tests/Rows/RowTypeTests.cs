using System.ComponentModel.DataAnnotations.Schema;
using Apache.Arrow;

namespace Gristmill.Data.Tests.Rows;

public sealed class RowTypeTests
{
    private static readonly CancellationToken s_token = TestContext.Current.CancellationToken;

    private enum Mood
    {
        Calm,
        Wild,
    }

    private sealed record Everything(
        bool Flag, sbyte I8, short I16, int I32, long I64, byte U8, ushort U16, uint U32, ulong U64, float F32, double F64, decimal Money, string Text, DateOnly Day,
        DateTime At, DateTimeOffset Instant, TimeOnly Clock, Guid Id, Mood Mood, byte[] Bytes, double[] Numbers);

    private sealed record Nullables(
        bool? Flag, sbyte? I8, int? I32, long? I64, double? F64, decimal? Money, string? Text, DateOnly? Day, DateTime? At, DateTimeOffset? Instant, Guid? Id, Mood? Mood, byte[]? Bytes, double[]? Numbers);

    private const string Every = """
        select true as flag, -8::tinyint as i8, -16::smallint as i16, -32::int as i32, -64::bigint as i64, 8::utinyint as u8, 16::usmallint as u16, 32::uinteger as u32,
               18446744073709551615::ubigint as u64, 0.5::float as f32, 0.25::double as f64, 1234.5678::decimal(12, 4) as money, 'größe ✓' as text, date '1969-12-31' as day,
               timestamp '1969-12-31 23:59:59.999999' as "at", timestamptz '2001-04-01 10:00:00.5+02' as instant, time '13:30:00.000001' as clock,
               '0a0b0c0d-0102-0304-0506-0708090a0b0c'::uuid as id, 'wild'::enum('calm', 'wild') as mood, 'ab'::blob as bytes, [1.5::double, 2.5] as numbers
        """;

    private static readonly Everything s_everything = new(
        true, -8, -16, -32, -64, 8, 16, 32, ulong.MaxValue, 0.5f, 0.25, 1234.5678m, "größe ✓", new DateOnly(1969, 12, 31),
        new DateTime(1969, 12, 31, 23, 59, 59).AddTicks(9_999_990), new DateTimeOffset(2001, 4, 1, 8, 0, 0, 500, TimeSpan.Zero), new TimeOnly(13, 30, 0).Add(TimeSpan.FromMicroseconds(1)),
        Guid.Parse("0a0b0c0d-0102-0304-0506-0708090a0b0c"), Mood.Wild, "ab"u8.ToArray(), [1.5, 2.5]);

    [Fact]
    public async Task Every_type_is_read_and_written()
    {
        using var fixture = new FlowFixture();
        FlowFixture.Duck($"copy ({Every} from range(3)) to '{fixture.File("a.parquet")}'");

        var read = await fixture.Read("a.parquet").As<Everything>().ToListAsync(s_token);
        var again = await fixture.Read("a.parquet").Map((Everything e) => e).Sql("select * from input").As<Everything>().ToListAsync(s_token);

        Assert.Equal(3, read.Count);
        Assert.All(read.Concat(again), row => Assert.Equivalent(s_everything, row, strict: true));
    }

    [Fact]
    public async Task Nulls_are_nulls_both_ways()
    {
        using var fixture = new FlowFixture();
        FlowFixture.Duck($"copy (with e as ({Every}) select case when r.i % 2 = 0 then e.flag end as flag, case when r.i % 2 = 0 then i8 end as i8, case when r.i % 2 = 0 then i32 end as i32, "
            + "case when r.i % 2 = 0 then i64 end as i64, case when r.i % 2 = 0 then f64 end as f64, case when r.i % 2 = 0 then money end as money, case when r.i % 2 = 0 then text end as text, "
            + "case when r.i % 2 = 0 then day end as day, case when r.i % 2 = 0 then e.\"at\" end as \"at\", case when r.i % 2 = 0 then instant end as instant, case when r.i % 2 = 0 then id end as id, "
            + "case when r.i % 2 = 0 then mood end as mood, case when r.i % 2 = 0 then bytes end as bytes, case when r.i % 2 = 0 then numbers end as numbers "
            + $"from e, range(50000) r(i)) to '{fixture.File("a.parquet")}'");

        var again = await fixture.Read("a.parquet").Map((Nullables n) => n).Sql("select * from input").As<Nullables>().ToListAsync(s_token);

        var e = s_everything;
        var there = new Nullables(e.Flag, e.I8, e.I32, e.I64, e.F64, e.Money, e.Text, e.Day, e.At, e.Instant, e.Id, e.Mood, e.Bytes, e.Numbers);
        var absent = new Nullables(null, null, null, null, null, null, null, null, null, null, null, null, null, null);
        Assert.Equal(50_000, again.Count);
        foreach (var (row, i) in again.Select((row, i) => (row, i)).Where(x => x.i % 501 < 2))
        {
            Assert.Equivalent(i % 2 == 0 ? there : absent, row, strict: true);
        }

        Assert.Equal(25_000, again.Count(row => row.I32 is null && row.Text is null && row.Flag is null));
    }

    [Fact]
    public async Task A_null_where_none_may_be_names_row_and_column()
    {
        using var fixture = new FlowFixture();
        FlowFixture.Duck($"copy (select i::int as i, case when i <> 40000 then i / 2.0::double end as x, case when i <> 30000 then 'n' end as name from range(50000) r(i)) to '{fixture.File("a.parquet")}'");

        // Which of two bad rows is met first depends on the workers.
        var error = await FlowFixture.FailAsync(() => fixture.Read("a.parquet").Sql("select i, coalesce(x, 0) as x, name from input").Map((Number n) => n).CountAsync(s_token));
        Assert.Equal(ErrorCodes.BadValue, error.Code);
        Assert.Equal(("30000", "name"), (error.Error.Details["row"], error.Error.Details["column"]));

        error = await FlowFixture.FailAsync(() => fixture.Read("a.parquet").Map((Pair2 n) => n).CountAsync(s_token));
        Assert.Equal(("40000", "x"), (error.Error.Details["row"], error.Error.Details["column"]));
        Assert.Equal(49_999, await fixture.Read("a.parquet").Map((Loose n) => n).Where(n => n.X is not null).CountAsync(s_token));
    }

    [Fact]
    public async Task Numbers_keep_their_value_or_are_refused_by_row_and_column()
    {
        using var fixture = new FlowFixture();
        FlowFixture.Duck($"copy (select i as big, case when i = 777 then 3000000000 else i end as wide, i / 3 as third from range(1000) r(i)) to '{fixture.File("a.parquet")}'");

        Assert.Equal(499_500, await fixture.Read("a.parquet").As<Narrow>().SumAsync(n => n.Big, s_token));
        Assert.Equal(499_500, (await fixture.Read("a.parquet").Sql("select sum(big) as huge from input").As<FromHuge>().ToListAsync(s_token))[0].Huge);

        var error = await FlowFixture.FailAsync(() => fixture.Read("a.parquet").As<Wide>().CountAsync(s_token));
        Assert.Equal((ErrorCodes.BadValue, "777", "wide"), (error.Code, error.Error.Details["row"], error.Error.Details["column"]));

        error = await FlowFixture.FailAsync(() => fixture.Read("a.parquet").As<Single>().CountAsync(s_token));
        Assert.Equal((ErrorCodes.TypeMismatch, "third"), (error.Code, error.Error.Details["column"]));
    }

    [Fact]
    public async Task Columns_are_found_by_name()
    {
        using var fixture = new FlowFixture();
        FlowFixture.Duck($"copy (select 1 as arrival_delay, 2 as \"ORIGIN\", 3 as \"odd name\", 4 as x) to '{fixture.File("a.parquet")}'");

        Assert.Equal([new Named(1, 2, 3, 9)], await fixture.Read("a.parquet").As<Named>().ToListAsync(s_token));
        Assert.Equal([new Settable { Origin = 2, X = 4 }], await fixture.Read("a.parquet").As<Settable>().ToListAsync(s_token));

        var error = await FlowFixture.FailAsync(() => fixture.Read("a.parquet").As<Missing>().CountAsync(s_token));
        Assert.Equal((ErrorCodes.UnknownColumn, "Nowhere"), (error.Code, error.Error.Details["column"]));
        Assert.Contains("arrival_delay, ORIGIN, odd name, x", error.Error.Hint);
        error = await FlowFixture.FailAsync(() => fixture.Read("a.parquet").Sql("select 1 as a_b, 2 as \"a b\" from input").As<Ambiguous>().CountAsync(s_token));
        Assert.Equal(ErrorCodes.Invalid, error.Code);
        Assert.Contains("'a_b' or 'a b'", error.Message);
        Assert.Equal([2], await fixture.Read("a.parquet").Sql("select 1 as a_b, 2 as ab from input").As<Ambiguous>().Map(a => a.Ab).ToListAsync(s_token));
    }

    [Fact]
    public async Task Written_columns_have_the_members_names_and_types()
    {
        using var fixture = new FlowFixture();
        FlowFixture.Duck($"copy (select 1 as x) to '{fixture.File("a.parquet")}'");

        var schema = await fixture.Read("a.parquet").Map((int x) => new Priced(x, 1.25m, null)).GetSchemaAsync(s_token);

        Assert.Equal(["X int32 False", "the price decimal(12, 2) False", "Note utf8 True"],
            schema.FieldsList.Select(f => $"{f.Name} {Sources.SchemaChange.Text(f.DataType)} {f.IsNullable}"));
        var error = await FlowFixture.FailAsync(() => fixture.Read("a.parquet").Map((int x) => new Priced(x, 1.255m, null)).ForEachBlockAsync(_ => { }, s_token));
        Assert.Equal((ErrorCodes.BadValue, "the price"), (error.Code, error.Error.Details["column"]));
        error = await FlowFixture.FailAsync(() => fixture.Read("a.parquet").Map((int x) => new { X = new object() }).ForEachBlockAsync(_ => { }, s_token));
        Assert.Equal(ErrorCodes.TypeMismatch, error.Code);
    }

    [Fact]
    public async Task Dictionaries_and_slices_of_objects_are_read()
    {
        using var fixture = new FlowFixture();
        FlowFixture.Duck($"copy (select i::int as i, i / 4.0::double as x, ('n' || (i % 3))::enum('n0', 'n1', 'n2') as name from range(100000) r(i)) to '{fixture.File("a.parquet")}'");
        using var lease = fixture.Store.Get(await fixture.Read("a.parquet").Sql("select i, x, name::enum('n0', 'n1', 'n2') as name from input").ToObjectAsync(fixture.Store, s_token));
        Assert.IsType<DictionaryArray>(lease.Batches[0].Column("name"));

        var rows = await DataFlow.From(lease.Schema, [.. lease.Read(offset: 33, rows: 80_000)]).With(fixture.Options).As<Number>().ToListAsync(s_token);

        Assert.Equal(Enumerable.Range(33, 80_000).Select(i => new Number(i, i / 4.0, $"n{i % 3}")), rows);
    }

    private readonly record struct Pair2(int I, double X);

    private readonly record struct Loose(int I, double? X, string? Name);

    private readonly record struct Narrow(int Big);

    private readonly record struct Wide(int Wide2)
    {
        [Column("wide")]
        public int Wide2 { get; init; } = Wide2;
    }

    private readonly record struct FromHuge(long Huge);

    private readonly record struct Single(float Third);

    private readonly record struct Named(int ArrivalDelay, int Origin, [property: Column("odd name")] int Odd, int Absent = 9);

    private sealed record Settable
    {
        public int Origin { get; set; }

        public int X { get; init; }
    }

    private readonly record struct Missing(int X, int Nowhere);

    private readonly record struct Ambiguous(int Ab);

    private readonly record struct Priced(int X, [property: Column("the price", TypeName = "decimal(12, 2)")] decimal Price, string? Note);
}
