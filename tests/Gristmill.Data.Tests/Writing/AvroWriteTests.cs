using Apache.Arrow;
using Apache.Arrow.Types;
using Avro.File;
using Avro.Generic;

namespace Gristmill.Data.Tests.Writing;

public sealed class AvroWriteTests
{
    private const string AllTypes = """
        select i::tinyint as i8, i::utinyint as u8, i::smallint as i16, i::usmallint as u16, i::integer as i32, i::uinteger as u32, (i - 50) * 1000000007 as i64, i % 2 = 0 as b,
            i::float / 4 as f, i / 3.0::double as d, (i - 50)::decimal(12, 3) * 1.001::decimal(4, 3) as dec, (i - 50)::decimal(38, 4) as wide, 'text ' || i as s, encode('bytes ' || i) as raw,
            date '1969-12-30' + i::int as day, time '00:00:01.000002' + to_seconds(i) as clock, timestamp '1969-12-31 23:59:59.999999' + to_seconds(i) as at, timestamptz '2026-11-28 04:30:00+00' + to_seconds(i) as at_utc,
            (timestamp_ns '2026-11-28 04:30:00.000000001') as at_ns, (timestamp '2026-11-28 04:30:00' + to_seconds(i))::timestamp_ms as at_ms, (timestamp '2026-11-28 04:30:00' + to_seconds(i))::timestamp_s as at_s,
            ('00000000-0000-0000-0000-0000000000' || (10 + i % 90))::uuid as id, (case when i % 2 = 0 then 'even' else 'odd' end)::enum('even', 'odd') as kind,
            range(i % 4) as list, [[i], [], null, [null, 3]] as lists, {'a': i, 'b': {'c': case when i % 3 = 0 then null else 'x' || i end}} as struct, map {'k' || i: i, 'l': null} as map,
            case when i % 5 = 0 then null else {'z': [i]} end as maybe, null as none, case when i % 7 = 0 then null else i end as n
        from range(100) r(i)
        """;

    private static readonly CancellationToken s_token = TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(null)]
    [InlineData("deflate")]
    [InlineData("snappy")]
    [InlineData("zstd")]
    [InlineData("uncompressed")]
    public async Task All_types_come_back_as_they_were(string? compression)
    {
        using var fixture = new FlowFixture();
        FlowFixture.Duck($"copy ({AllTypes}) to '{fixture.File("a.parquet")}'");

        var result = await fixture.Read("a.parquet").WriteAvroAsync("b/a.avro", new FileWriteOptions { Compression = compression }, s_token);

        Assert.Equal((100, fixture.File("b/a.avro")), (result.Progress.Rows, result.Path));
        Assert.Equal(await TextAsync(fixture.Read("a.parquet")), await TextAsync(fixture.Read("b/a.avro")));
        Assert.Equal([fixture.File("b/a.avro")], Directory.EnumerateFileSystemEntries(fixture.File("b")));
    }

    [Fact]
    public async Task Avros_own_library_reads_what_is_written()
    {
        using var fixture = new FlowFixture();
        FlowFixture.Duck($"copy ({AllTypes}) to '{fixture.File("a.parquet")}'");
        await fixture.Read("a.parquet").WriteAvroAsync("a.avro", null, s_token);

        using var reader = DataFileReader<GenericRecord>.OpenReader(fixture.File("a.avro"));
        var records = reader.NextEntries.ToList();

        Assert.Equal(100, records.Count);
        var last = records[99];
        Assert.Equal((99, 49L * 1000000007, "text 99", 33.0), (last["i32"], last["i64"], last["s"], last["d"]));
        Assert.Equal(new DateTime(1969, 12, 30).AddDays(99), last["day"]);
        Assert.Equal(49.049m, (decimal)(global::Avro.AvroDecimal)last["dec"]);
        Assert.Equal([0L, 1L, 2L], ((IEnumerable<object>)last["list"]).Cast<long>());
        Assert.Equal("odd", last["kind"]);
        Assert.Equal(99L, ((IDictionary<string, object>)last["map"])["k99"]);
        Assert.Null(((GenericRecord)((GenericRecord)records[0]["struct"])["b"])["c"]);
        Assert.Null(records[0]["maybe"]);
        Assert.Equal("""{"name":"i8","type":["null","int"]}""", System.Text.Json.JsonDocument.Parse(reader.GetSchema().ToString()).RootElement.GetProperty("fields")[0].GetRawText());
    }

    [Fact]
    public async Task Arrow_types_that_DuckDB_has_not_are_written_too()
    {
        using var fixture = new FlowFixture();
        var ints = new Int32Array.Builder().AppendRange([10, 11, 12, 13, 14, 15]).Build();
        IArrowArray[] arrays =
        [
            new HalfFloatArray.Builder().AppendRange([(Half)0.5, (Half)1, (Half)2]).Build(),
            new DictionaryArray(new DictionaryType(Int8Type.Default, StringType.Default, false), new Int8Array.Builder().Append(1).AppendNull().Append(0).Build(), new StringArray.Builder().AppendRange(["a", "b"]).Build()),
            new FixedSizeListArray(new ArrayData(new FixedSizeListType(new Field("item", Int32Type.Default, false), 2), 3, 0, 0, [ArrowBuffer.Empty], [ints.Data])),
            new StructArray(new StructType([new Field("i", Int32Type.Default, false)]), 3, [ints.Slice(0, 3)], ArrowBuffer.Empty, 0),
            new Date64Array.Builder().AppendRange([DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddDays(1), DateTimeOffset.UnixEpoch.AddDays(-1)]).Build(),
            new LargeStringArray.Builder().AppendRange(["x", "", "z"]).Build(),
            new StringViewArray.Builder().AppendRange(["short", "a text that is longer than a view", ""]).Build(),
        ];
        var schema = new Schema([.. arrays.Select(static (array, i) => new Field($"c{i}", array.Data.DataType, nullable: i == 1))], null);
        using var batch = new RecordBatch(schema, arrays, 3);

        // The second and third row: what begins at an offset.
        await DataFlow.From(schema, [batch.Slice(1, 2)]).With(fixture.Options).WriteAvroAsync("a.avro", null, s_token);

        Assert.Equal(
            [
                """{"c0":1.0,"c1":null,"c2":[12,13],"c3":{"i":11},"c4":"1970-01-02","c5":"","c6":"a text that is longer than a view"}""",
                """{"c0":2.0,"c1":"a","c2":[14,15],"c3":{"i":12},"c4":"1969-12-31","c5":"z","c6":""}""",
            ], await TextAsync(fixture.Read("a.avro")));
    }

    [Fact]
    public async Task What_cannot_be_written_is_named_and_leaves_nothing()
    {
        using var fixture = new FlowFixture();
        fixture.Numbers("a.parquet", 10);
        var flow = fixture.Read("a.parquet");
        foreach (var (query, code, reason) in new[]
        {
            ("select i as \"a b\" from input", ErrorCodes.Invalid, "no field of the name 'a b'"),
            ("select i as \"0a\" from input", ErrorCodes.Invalid, "no field of the name '0a'"),
            ("select {'ö': i} as s from input", ErrorCodes.Invalid, "no field of the name 'ö'"),
            ("select i::ubigint as u from input", ErrorCodes.TypeMismatch, "The column 'u' is uint64, which Avro has not"),
            ("select [to_days(i)] as u from input", ErrorCodes.TypeMismatch, "The column 'u_item' is "),
        })
        {
            var error = await FlowFixture.FailAsync(() => flow.Sql(query).WriteAvroAsync("b.avro", null, s_token));
            Assert.Equal(code, error.Code);
            Assert.Contains(reason, error.Message);
        }

        var seconds = new TimestampType(TimeUnit.Second, (string?)null);
        var late = ArrowArrayFactory.BuildArray(new ArrayData(seconds, 1, 0, 0, [ArrowBuffer.Empty, new ArrowBuffer(BitConverter.GetBytes(long.MaxValue / 999))]));
        var schema = new Schema([new Field("t", seconds, true)], null);
        using var batch = new RecordBatch(schema, [late], 1);
        Assert.Equal(ErrorCodes.BadValue, (await FlowFixture.FailAsync(() => DataFlow.From(schema, [batch]).With(fixture.Options).WriteAvroAsync("b.avro", null, s_token))).Code);
        Assert.Equal(ErrorCodes.Invalid, (await FlowFixture.FailAsync(() => flow.WriteAvroAsync("b.avro", new FileWriteOptions { PartitionBy = ["i"] }, s_token))).Code);
        Assert.Contains("deflate, snappy, zstd, uncompressed", (await FlowFixture.FailAsync(() => flow.WriteAvroAsync("b.avro", new FileWriteOptions { Compression = "gzip" }, s_token))).Error.Hint);
        Assert.Equal(ErrorCodes.Conflict, (await FlowFixture.FailAsync(() => flow.WriteAvroAsync("a.parquet", null, s_token))).Code);
        Assert.Equal([fixture.File("a.parquet")], Directory.EnumerateFileSystemEntries(fixture.Folder));
    }

    [Fact]
    public async Task Many_rows_pass_in_bounded_memory()
    {
        using var fixture = new FlowFixture();
        FlowFixture.Duck($"copy (select i, i / 4 as x, 'name ' || (i % 100) as name from range(1000000) r(i)) to '{fixture.File("a.parquet")}'");
        await fixture.Read("a.parquet").WriteAvroAsync("a.avro", null, s_token);

        var flow = fixture.Read("a.avro");
        Assert.Equal(999_999 * 500_000.0, await flow.SumAsync("i", s_token));
        var result = await flow.ForEachBlockAsync(static _ => { }, s_token);
        Assert.Equal(1_000_000, result.Progress.Rows);
        Assert.InRange(result.Progress.PeakMemory, 1, 128 << 20);
        using var cancel = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => flow.ForEachBlockAsync(_ => cancel.Cancel(), cancel.Token));
    }

    // Times in milliseconds and seconds come back as they are written, and read the same.
    private static async Task<List<string>> TextAsync(DataFlow flow) => [.. await flow.Sql("select to_json(input)::varchar as line from input").As<string>().ToListAsync(s_token)];
}
