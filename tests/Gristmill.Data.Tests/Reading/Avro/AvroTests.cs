using Avro;
using Avro.File;
using Avro.Generic;
using Gristmill.Data.Sources;
using Gristmill.Data.Tests.Reading.Remote;

namespace Gristmill.Data.Tests.Reading.Avro;

public sealed class AvroTests
{
    private const string Trip = """
        {"type":"record","name":"Trip","namespace":"test.trips","doc":"a trip","fields":[
          {"name":"id","type":"long"},
          {"name":"small","type":"int","default":3},
          {"name":"ok","type":"boolean"},
          {"name":"f","type":"float"},
          {"name":"d","type":["null","double"]},
          {"name":"name","type":["string","null"]},
          {"name":"raw","type":{"type":"bytes"}},
          {"name":"hash","type":{"type":"fixed","name":"Hash","size":3}},
          {"name":"kind","type":{"type":"enum","name":"Kind","symbols":["car","bicycle"]}},
          {"name":"tags","type":{"type":"array","items":["null","string"]}},
          {"name":"counts","type":{"type":"map","values":"long"}},
          {"name":"stops","type":{"type":"array","items":{"type":"record","name":"Stop","namespace":"test.places","fields":[
            {"name":"at","type":{"type":"array","items":"double"}},{"name":"by","type":["null","test.trips.Kind"]}]}}},
          {"name":"first","type":["null","test.places.Stop"]},
          {"name":"day","type":{"type":"int","logicalType":"date"}},
          {"name":"clock","type":{"type":"int","logicalType":"time-millis"}},
          {"name":"clock_us","type":{"type":"long","logicalType":"time-micros"}},
          {"name":"at_ms","type":{"type":"long","logicalType":"timestamp-millis"}},
          {"name":"at_us","type":["null",{"type":"long","logicalType":"timestamp-micros"}]},
          {"name":"local_ms","type":{"type":"long","logicalType":"local-timestamp-millis"}},
          {"name":"local_us","type":{"type":"long","logicalType":"local-timestamp-micros"}},
          {"name":"price","type":{"type":"bytes","logicalType":"decimal","precision":12,"scale":2}},
          {"name":"fare","type":{"type":"fixed","name":"Fare","size":5,"logicalType":"decimal","precision":9,"scale":3}},
          {"name":"key","type":{"type":"string","logicalType":"uuid"}},
          {"name":"odd","type":{"type":"int","logicalType":"unheard-of"}}]}
        """;

    private static readonly CancellationToken s_token = TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("null")]
    [InlineData("deflate")]
    public async Task Files_that_Avros_own_library_wrote_are_read(string codec)
    {
        using var fixture = new FlowFixture();
        WriteTrips(fixture.File("a.avro"), codec, 3);

        var flow = fixture.Read("a.avro");
        var schema = await flow.GetSchemaAsync(s_token);
        Assert.Equal(
            [
                "id int64", "small int32", "ok bool", "f float", "d double", "name utf8", "raw binary", "hash fixed_size_binary[3]", "kind utf8", "tags list<utf8>", "counts map<utf8, int64>",
                "stops list<struct<at: list<double>, by: utf8>>", "first struct<at: list<double>, by: utf8>", "day date32", "clock time32[millisecond]", "clock_us time64[microsecond]",
                "at_ms timestamp[millisecond, utc]", "at_us timestamp[microsecond, utc]", "local_ms timestamp[millisecond]", "local_us timestamp[microsecond]", "price decimal(12, 2)", "fare decimal(9, 3)", "key utf8", "odd int32",
            ], schema.FieldsList.Select(static field => $"{field.Name} {SchemaChange.Text(field.DataType)}"));
        var rows = await flow.Sql("select to_json(t)::varchar as line from (select * replace (hex(raw) as raw, hex(hash) as hash, epoch_us(at_ms) as at_ms, epoch_us(at_us) as at_us) from input) t").As<string>().ToListAsync(s_token);
        Assert.Equal(
            """{"id":-1,"small":-2147483648,"ok":true,"f":0.5,"d":null,"name":"übel 0","raw":"","hash":"000102","kind":"car","tags":[],"counts":{},"stops":[],"first":null,"day":"1969-12-31","clock":"00:00:00","clock_us":"00:00:00.000001","at_ms":-1000,"at_us":null,"local_ms":"2026-11-28 04:30:00.123","local_us":"2026-11-28 04:30:00.123456","price":-0.01,"fare":-1.0,"key":"00000000-0000-0000-0000-000000000000","odd":0}""",
            rows[0]);
        Assert.Equal(
            """{"id":4611686018427387903,"small":-2147483647,"ok":false,"f":1.5,"d":0.25,"name":null,"raw":"01","hash":"010203","kind":"bicycle","tags":["t0"],"counts":{"k0":0},"stops":[{"at":[0.0],"by":"car"}],"first":{"at":[0.0],"by":"car"},"day":"1970-01-01","clock":"00:00:01.5","clock_us":"00:00:01","at_ms":0,"at_us":1,"local_ms":"2026-11-28 04:30:01.123","local_us":"2026-11-28 04:30:01.123456","price":1234567.89,"fare":0.0,"key":"11111111-1111-1111-1111-111111111111","odd":1}""",
            rows[1]);
        Assert.Contains("""
            "tags":["t0",null],"counts":{"k0":0,"k1":-1},"stops":[{"at":[0.0],"by":"car"},{"at":[0.0,1.0],"by":null}],
            """.Trim(), rows[2]);
        using var lease = fixture.Store.Get(await flow.ToObjectAsync(fixture.Store, s_token));
        Assert.Equal(3, lease.Batches.Sum(static batch => batch.Length));
    }

    [Fact]
    public async Task Rows_of_many_blocks_and_files_keep_their_order()
    {
        using var fixture = new FlowFixture();
        var data = Enumerable.Range(0, 60_000).Select(static i => (long)i).ToList();
        var blocks = data.Chunk(37).Select(static part => AvroBytes.Block(part.Length, [.. part.SelectMany(AvroBytes.Long)])).ToList();
        // Of many small blocks, and of one that is larger than a block of a flow.
        await WriteAsync(fixture, "x/a.avro", [.. AvroBytes.Head(AvroBytes.Record("\"long\"")), .. blocks.SelectMany(static block => block)]);
        await WriteAsync(fixture, "x/b.avro", AvroBytes.File("\"long\"", 60_000, [.. data.SelectMany(static i => AvroBytes.Long(i + 60_000))]));
        await WriteAsync(fixture, "x/c.avro", AvroBytes.Head(AvroBytes.Record("\"long\"")));

        Assert.Equal(Enumerable.Range(0, 120_000).Select(static i => (long)i), await fixture.Read("x").As<long>().ToListAsync(s_token));
        Assert.Equal(2 * 60_000L, await fixture.Read("x/*.avro").CountAsync(s_token));
        var error = await FlowFixture.FailAsync(() => fixture.Read("x").Map((long x) => x == 90_001 ? throw new InvalidOperationException("no") : x).CountAsync(s_token));
        Assert.Contains("90001", error.Message);
        Assert.Equal(7, await fixture.Read("x").Take(7).CountAsync(s_token));
    }

    [Fact]
    public async Task Columns_go_by_name_and_must_be_the_same_in_all_files()
    {
        using var fixture = new FlowFixture();
        await WriteAsync(fixture, "a.avro", [.. AvroBytes.Head(Fields("""{"name":"a","type":"int"},{"name":"b","type":"string"}""")), .. AvroBytes.Block(1, [2, .. AvroBytes.Text("one")])]);
        await WriteAsync(fixture, "b.avro", [.. AvroBytes.Head(Fields("""{"name":"b","type":["null","string"]},{"name":"a","type":["int"]}""")), .. AvroBytes.Block(2, [2, .. AvroBytes.Text("two"), 0, 4, 0, 0, 6])]);

        Assert.Equal([(1, "one"), (2, "two"), (3, null)], (await fixture.Read("?.avro").As<AB>().ToListAsync(s_token)).Select(static row => (row.A, row.B)));

        await WriteAsync(fixture, "c.avro", AvroBytes.Head(Fields("""{"name":"a","type":"long"},{"name":"b","type":"string"}""")));
        var error = await FlowFixture.FailAsync(() => fixture.Read("?.avro").CountAsync(s_token));
        Assert.Equal((ErrorCodes.TypeMismatch, "a", fixture.File("c.avro")), (error.Code, error.Error.Details["column"], error.Error.Details["file"]));
        await WriteAsync(fixture, "c.avro", AvroBytes.Head(Fields("""{"name":"a","type":"int"}""")));
        Assert.Equal(ErrorCodes.UnknownColumn, (await FlowFixture.FailAsync(() => fixture.Read("?.avro").CountAsync(s_token))).Code);
        await WriteAsync(fixture, "c.avro", AvroBytes.Head(Fields("""{"name":"a","type":"int"},{"name":"b","type":{"type":"fixed","name":"f","size":2}}""")));
        Assert.Contains("fixed_size_binary[2]", (await FlowFixture.FailAsync(() => fixture.Read("?.avro").CountAsync(s_token))).Message);
        Assert.Equal(ErrorCodes.Invalid, (await FlowFixture.FailAsync(() => fixture.Read("a.avro", new FileReadOptions { UnionByName = true }).CountAsync(s_token))).Code);
    }

    [Fact]
    public async Task Schemas_of_all_kinds_are_understood()
    {
        using var fixture = new FlowFixture();
        foreach (var (schema, row, expected) in new (string, byte[], string)[]
        {
            ("\"string\"", AvroBytes.Text("x"), """{"value":"x"}"""),
            ("""["null","long"]""", [2, 3], """{"value":-2}"""),
            ("""{"type":"array","items":"int"}""", [.. AvroBytes.Long(-2), 4, 2, 4, 2, 6, 0], """{"value":[1,2,3]}"""),
            (AvroBytes.Record("""{"type":["null","int"]}"""), [2, 4], """{"x":2}"""),
            (AvroBytes.Record("""{"type":{"type":"int"}}"""), [4], """{"x":2}"""),
            (AvroBytes.Record("""[{"type":"null"},"int"]"""), [0], """{"x":null}"""),
            (AvroBytes.Record("""["null"]"""), [0], """{"x":null}"""),
            (AvroBytes.Record("""{"type":"map","values":{"type":"map","values":"boolean"}}"""), [2, 2, (byte)'a', 2, 2, (byte)'b', 1, 0, 0], """{"x":{"a":{"b":true}}}"""),
            (AvroBytes.Record("""{"type":"bytes","logicalType":"decimal","precision":2,"scale":3}"""), [2, (byte)'a'], """{"x":"a"}"""),
            (AvroBytes.Record("""{"type":"bytes","logicalType":"decimal","precision":38}"""), [36, 255, 255, .. Enumerable.Repeat((byte)0xFF, 15), 0x85], """{"x":-123}"""),
            (AvroBytes.Record("""{"type":"fixed","name":"u","size":16,"logicalType":"uuid"}"""), [.. Enumerable.Range(0, 16).Select(static i => (byte)i)], """{"x":"00010203-0405-0607-0809-0a0b0c0d0e0f"}"""),
            ("""{"type":"record","name":"r","namespace":"n","fields":[{"name":"a","type":{"type":"enum","name":"e","symbols":["s"]}},{"name":"b","type":"e"},{"name":"c","type":"n.e"},{"name":"none","type":"null"}]}""", [0, 0, 0], """{"a":"s","b":"s","c":"s","none":null}"""),
        })
        {
            await WriteAsync(fixture, "a.avro", [.. AvroBytes.Head(schema), .. AvroBytes.Block(1, row)]);
            Assert.Equal([expected], await fixture.Read("a.avro").Sql("select to_json(input)::varchar as line from input").As<string>().ToListAsync(s_token));
        }
    }

    [Fact]
    public async Task Files_of_servers_are_read()
    {
        using var fixture = new FlowFixture();
        await using var server = new FileServer();
        server.Files["/a.avro"] = AvroBytes.File("\"int\"", 2, 2, 4);
        server.Files["/b.avro"] = AvroBytes.File("\"int\"", 1, 1);
        Assert.Equal([1, 2, -1], await DataFlow.Read([server.Address("/a.avro"), server.Address("/b.avro")]).With(fixture.Options).As<int>().ToListAsync(s_token));

        server.Files["/b.avro"] = AvroBytes.File("\"int\"", 2, 1);
        var error = await FlowFixture.FailAsync(() => DataFlow.Read([server.Address("/a.avro"), server.Address("/b.avro?sig=hush")]).With(fixture.Options).CountAsync(s_token));
        Assert.Equal(ErrorCodes.FileFormat, error.Code);
        Assert.DoesNotContain("hush", error.Message);
        Assert.Empty(Directory.EnumerateFileSystemEntries(fixture.Folder));
    }

    /// <summary>Trips as the library writes them.</summary>
    internal static void WriteTrips(string path, string codec, int count)
    {
        var schema = (RecordSchema)Schema.Parse(Trip);
        var (stop, kind) = ((RecordSchema)((ArraySchema)schema["stops"].Schema).ItemSchema, (EnumSchema)schema["kind"].Schema);
        using var writer = DataFileWriter<GenericRecord>.OpenWriter(new GenericDatumWriter<GenericRecord>(schema), path, Codec.CreateCodecFromString(codec));
        GenericRecord Stop(int i)
        {
            var record = new GenericRecord(stop);
            record.Add("at", Enumerable.Range(0, i + 1).Select(static j => (double)j).Cast<object>().ToArray());
            record.Add("by", i % 2 == 0 ? new GenericEnum(kind, "car") : null);
            return record;
        }

        for (var i = 0; i < count; i++)
        {
            var (record, n) = (new GenericRecord(schema), i);
            object?[] values =
            [
                i == 0 ? -1L : long.MaxValue / 2 / i, int.MinValue + i, i % 2 == 0, i + 0.5f, i == 0 ? null : i / 4.0, i % 2 == 0 ? $"übel {i}" : null, Enumerable.Range(1, i % 200).Select(static j => (byte)j).ToArray(),
                new GenericFixed((FixedSchema)schema["hash"].Schema, [(byte)i, (byte)(i + 1), (byte)(i + 2)]), new GenericEnum(kind, i % 2 == 0 ? "car" : "bicycle"),
                Enumerable.Range(0, i % 5).Select(static j => j % 2 == 0 ? $"t{j}" : null).Cast<object>().ToArray(),
                Enumerable.Range(0, i % 4).ToDictionary(static j => $"k{j}", static j => (object)(long)-j), Enumerable.Range(0, i % 3).Select(Stop).Cast<object>().ToArray(), i % 3 == 1 ? Stop(0) : null,
                new DateTime(1970, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddDays(i - 1), TimeSpan.FromMilliseconds(1500 * (i % 1000)), TimeSpan.FromMicroseconds(i == 0 ? 1 : 1_000_000 * (i % 1000)),
                DateTime.UnixEpoch.AddMilliseconds(i - 1), i == 0 ? null : DateTime.UnixEpoch.AddMicroseconds(i),
                new DateTime(2026, 11, 28, 4, 30, 0, 123, DateTimeKind.Local).AddSeconds(i), new DateTime(2026, 11, 28, 4, 30, 0, 123, 456, DateTimeKind.Local).AddSeconds(i),
                new AvroDecimal(i == 0 ? -0.01m : 1234567.89m), new AvroDecimal(i - 1.000m), new Guid(string.Concat(Enumerable.Repeat((n % 10).ToString(System.Globalization.CultureInfo.InvariantCulture), 32))), i,
            ];
            foreach (var (field, value) in schema.Fields.Zip(values))
            {
                record.Add(field.Name, value);
            }

            writer.Append(record);
        }
    }

    private static string Fields(string fields) => $$"""{"type":"record","name":"r","fields":[{{fields}}]}""";

    private static Task WriteAsync(FlowFixture fixture, string name, byte[] bytes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(fixture.File(name))!);
        return File.WriteAllBytesAsync(fixture.File(name), bytes, s_token);
    }

    private readonly record struct AB(int A, string? B);
}
