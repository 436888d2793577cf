using System.Globalization;
using System.IO.Compression;
using System.Text;

namespace Gristmill.Data.Tests.Reading.Avro;

public sealed class AvroHostileTests
{
    private static readonly CancellationToken s_token = TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_is_no_such_file_is_named_with_the_reason()
    {
        using var fixture = new FlowFixture();
        var good = AvroBytes.File("\"int\"", 2, 2, 4);
        var head = AvroBytes.Head(AvroBytes.Record("\"int\""));
        foreach (var (bytes, reason) in new (byte[], string)[]
        {
            ([], "does not begin as an Avro file does"),
            ([.. "Obj\u0002"u8, .. good[4..]], "does not begin as an Avro file does"),
            (good[..4], "it is cut off"),
            (head[..^1], "it is cut off"),
            ([.. good[..4], .. AvroBytes.Long(long.MaxValue)], "its head claims 9223372036854775807 entries"),
            ([.. good[..4], .. AvroBytes.Long(long.MinValue), 0], "its head claims -9223372036854775808 entries"),
            ([.. good[..4], .. Enumerable.Repeat((byte)0xFF, 20)], "a number has more than 64 bits"),
            ([.. good[..4], 2, .. AvroBytes.Long(-5)], "its head claims a value of -5 bytes"),
            ([.. good[..4], 2, .. AvroBytes.Long(1 << 30)], "its head claims a value of 1073741824 bytes"),
            ([.. good[..4], 0, .. AvroBytes.Sync], "its head has no schema"),
            (AvroBytes.Head("{"), "its schema is no JSON"),
            (AvroBytes.Head("\"\\ud800\""), "its schema is no JSON"),
            (AvroBytes.Head("3"), "has no type"),
            (AvroBytes.Head(AvroBytes.Record("\"innt\"")), "the field 'x' of its schema is of the type 'innt', which is not defined"),
            (AvroBytes.Head(AvroBytes.Record("{}")), "the field 'x' of its schema has no type"),
            (AvroBytes.Head(AvroBytes.Record("[]")), "is a union of nothing"),
            (AvroBytes.Head(AvroBytes.Record("""{"type":"fixed","name":"f","size":0}""")), "whose size is not 1 to 1048576 bytes"),
            (AvroBytes.Head(AvroBytes.Record("""{"type":"fixed","name":"f","size":9999999999}""")), "whose size is not 1 to 1048576 bytes"),
            (AvroBytes.Head(AvroBytes.Record("""{"type":"fixed","size":1}""")), "is of the type fixed without a name"),
            (AvroBytes.Head(AvroBytes.Record("""{"type":"enum","name":"e"}""")), "is an enum without a list of symbols"),
            (AvroBytes.Head(AvroBytes.Record("""{"type":"array"}""")), "is an array without items"),
            (AvroBytes.Head(AvroBytes.Record("""{"type":"map"}""")), "is a map without values"),
            (AvroBytes.Head(AvroBytes.Record("""{"type":"record","name":"q"}""")), "is a record without a list of fields"),
            (AvroBytes.Head("""{"type":"record","name":"r"}"""), "its schema is a record without a list of fields"),
            (AvroBytes.Head("""{"type":"record","name":"r","fields":[{"type":"int"}]}"""), "has a field without a name"),
            (AvroBytes.Head("""{"type":"record","name":"r","fields":[{"name":"x","type":"int"},{"name":"x","type":"int"}]}"""), "the field 'x' of its schema is there twice"),
            (AvroBytes.Head("""{"type":"record","name":"r","fields":[]}"""), "its rows have no content"),
            (AvroBytes.Head(AvroBytes.Record("\"null\"")), "its rows have no content"),
            (AvroBytes.Head(AvroBytes.Record("\"int\""), "lzma"), "it is packed by 'lzma'; what is read is null, deflate, snappy, zstandard"),
            (good[..^1], "it is cut off in block 0: 2 bytes are announced, and 17 follow"),
            ([.. good, 2], "it is cut off"),
            ([.. good, .. AvroBytes.Block(1, [2])[..^1], 0], "block 1 does not end as it should: it is damaged"),
            ([.. head, .. AvroBytes.Long(-1), 0, .. AvroBytes.Sync], "block 0 claims -1 rows in 0 bytes"),
            ([.. head, 2, .. AvroBytes.Long(-1), .. AvroBytes.Sync], "block 0 claims 1 rows in -1 bytes"),
            ([.. head, 2, .. AvroBytes.Long(1L << 40), .. AvroBytes.Sync], "block 0 claims 1 rows in 1099511627776 bytes"),
            ([.. head, .. AvroBytes.Long(1L << 40), 2, 0, .. AvroBytes.Sync], "block 0 claims 1099511627776 rows"),
        })
        {
            await FailsAsync(fixture, bytes, reason);
        }

        await File.WriteAllBytesAsync(fixture.File("a.avro"), good[..^5], s_token);
        await File.WriteAllBytesAsync(fixture.File("b.avro"), AvroBytes.Head("{"), s_token);
        await File.WriteAllBytesAsync(fixture.File("c.avro"), good, s_token);
        var skip = new FileReadOptions { OnUnreadable = UnreadableFiles.Skip };
        Assert.Equal([1, 2], await fixture.Read("[bc].avro", skip).As<int>().ToListAsync(s_token));
        // What shows only in the middle of a file ends the flow all the same.
        await FlowFixture.FailAsync(() => fixture.Read("?.avro", skip).CountAsync(s_token));
    }

    [Fact]
    public async Task Damaged_values_are_named_by_block_row_and_column()
    {
        using var fixture = new FlowFixture();
        foreach (var (type, rows, data, reason) in new (string, long, byte[], string)[]
        {
            ("\"int\"", 3, [2, 4], "row 2, column 'x': a number is cut off"),
            ("\"int\"", 1, [2, 4], "1 bytes follow its last row"),
            ("\"int\"", 1, AvroBytes.Long(1L << 31), "row 0, column 'x': an int has more than 32 bits"),
            ("\"long\"", 1, [.. Enumerable.Repeat((byte)0xFF, 9), 2], "a number has more than 64 bits"),
            ("\"long\"", 1, [0xFF], "a number is cut off"),
            ("\"boolean\"", 2, [1, 2], "row 1, column 'x': a boolean is 2"),
            ("\"float\"", 1, [1, 2, 3], "a value claims 4 bytes, and 3 are left"),
            ("\"double\"", 1, [1, 2, 3], "a value claims 8 bytes, and 3 are left"),
            ("\"string\"", 2, [.. AvroBytes.Text("a"), .. AvroBytes.Long(-1)], "row 1, column 'x': a value claims -1 bytes"),
            ("\"string\"", 1, AvroBytes.Long(long.MaxValue), "a value claims 9223372036854775807 bytes, and 0 are left"),
            ("\"string\"", 2, [.. AvroBytes.Text("a"), .. AvroBytes.Bytes([0xC3])], "row 1, column 'x': a text is not UTF-8"),
            ("\"bytes\"", 1, [4, 0], "a value claims 2 bytes, and 1 are left"),
            ("""{"type":"enum","name":"e","symbols":["a"]}""", 2, [0, 2], "row 1, column 'x': an enum of 1 symbols is 1"),
            ("""{"type":"enum","name":"e","symbols":["a"]}""", 1, [1], "an enum of 1 symbols is -1"),
            ("""["null","int"]""", 1, [4], "a union's branch is 2"),
            ("""["int"]""", 1, [1], "a union's branch is -1"),
            ("""{"type":"fixed","name":"f","size":4}""", 1, [1], "a value claims 4 bytes, and 1 are left"),
            ("""{"type":"array","items":"int"}""", 1, [4, 2], "an array claims 2 items, and 1 bytes are left"),
            ("""{"type":"array","items":"double"}""", 1, [4, 2, .. new byte[14]], "an array claims 2 items, and 15 bytes are left"),
            ("""{"type":"array","items":"int"}""", 1, [.. AvroBytes.Long(long.MinValue), 0], "an array claims -9223372036854775808 items"),
            ("""{"type":"map","values":"int"}""", 1, [.. AvroBytes.Long(1 << 20), 2, 2], "a map claims 1048576 items, and 2 bytes are left"),
            ("""{"type":"map","values":"int"}""", 1, [2, 2, 0xFF, 2, 0], "a text is not UTF-8"),
            ("""{"type":"int","logicalType":"time-millis"}""", 1, AvroBytes.Long(86_400_000), "86400000 is out of the range of time32[millisecond]"),
            ("""{"type":"long","logicalType":"time-micros"}""", 1, AvroBytes.Long(-1), "-1 is out of the range of time64[microsecond]"),
            ("""{"type":"bytes","logicalType":"decimal","precision":2}""", 2, [2, 99, 2, 100], "row 1, column 'x': a decimal is out of the range of decimal(2, 0)"),
            ("""{"type":"bytes","logicalType":"decimal","precision":38}""", 1, [34, 1, .. new byte[16]], "a decimal is out of the range of decimal(38, 0)"),
            ("""{"type":"bytes","logicalType":"decimal","precision":38}""", 1, [34, 0, 0x80, .. new byte[15]], "a decimal is out of the range of decimal(38, 0)"),
        })
        {
            await FailsAsync(fixture, AvroBytes.File(type, rows, data), reason);
        }

        // The second block, and the rows before it count.
        var error = await FailsAsync(fixture, [.. AvroBytes.File("\"boolean\"", 3, 0, 1, 0), .. AvroBytes.Block(2, [1, 7])], "block 1, row 4, column 'x': a boolean is 7");
        Assert.Equal(("1", "4", "x"), (error.Error.Details["block"], error.Error.Details["row"], error.Error.Details["column"]));
    }

    [Fact]
    public async Task Types_that_no_column_has_are_named()
    {
        using var fixture = new FlowFixture();
        foreach (var (schema, column, reason) in new (string, string, string)[]
        {
            (AvroBytes.Record("""["null","int","string"]"""), "x", "is a union of several types"),
            (AvroBytes.Record("""{"type":"array","items":["int","string"]}"""), "x[]", "is a union of several types"),
            (AvroBytes.Record("""["null","null"]"""), "x", "is a union that has null twice"),
            (AvroBytes.Record("""["null","r"]"""), "x", "has the record 'r' in itself"),
            (AvroBytes.Record("""{"type":"map","values":{"type":"record","name":"q","fields":[{"name":"y","type":["null","q"]}]}}"""), "x{}.y", "has the record 'q' in itself"),
            (AvroBytes.Record("""{"type":"record","name":"q","fields":[]}"""), "x", "is a record without fields"),
            (AvroBytes.Record("""{"type":"array","items":"null"}"""), "x", "is an array whose items have no content"),
            (AvroBytes.Record("""{"type":"bytes","logicalType":"decimal","precision":39}"""), "x", "is a decimal of 39 digits"),
        })
        {
            await File.WriteAllBytesAsync(fixture.File("a.avro"), AvroBytes.Head(schema), s_token);
            var error = await FlowFixture.FailAsync(() => fixture.Read("a.avro").CountAsync(s_token));
            Assert.Equal((ErrorCodes.TypeMismatch, fixture.File("a.avro"), column), (error.Code, error.Error.Details["file"], error.Error.Details["column"]));
            Assert.Contains($"The field '{column}' of '{fixture.File("a.avro")}' {reason}", error.Message);
        }
    }

    [Fact]
    public async Task Small_files_do_not_grow_beyond_bounds()
    {
        using var fixture = new FlowFixture();
        // Types in types: each has the one before twice.
        var doubling = new StringBuilder("""{"type":"record","name":"t0","fields":[{"name":"a","type":"int"}]}""");
        var chain = new StringBuilder("""{"name":"f0","type":{"type":"record","name":"c0","fields":[{"name":"a","type":"int"}]}}""");
        var fields = new StringBuilder($$"""{"name":"f0","type":{{doubling}}}""");
        for (var i = 1; i < 70; i++)
        {
            fields.Append(CultureInfo.InvariantCulture, $$$""",{"name":"f{{{i}}}","type":{"type":"record","name":"t{{{i}}}","fields":[{"name":"a","type":"t{{{i - 1}}}"},{"name":"b","type":"t{{{i - 1}}}"}]}}""");
            chain.Append(CultureInfo.InvariantCulture, $$$""",{"name":"f{{{i}}}","type":{"type":"record","name":"c{{{i}}}","fields":[{"name":"a","type":"c{{{i - 1}}}"}]}}""");
        }

        foreach (var (list, reason) in new[] { (fields, "beyond the 10000 types"), (chain, "more than 64 types deep") })
        {
            await File.WriteAllBytesAsync(fixture.File("a.avro"), AvroBytes.Head($$"""{"type":"record","name":"r","fields":[{{list}}]}"""), s_token);
            var error = await FlowFixture.FailAsync(() => fixture.Read("a.avro").CountAsync(s_token));
            Assert.Equal(ErrorCodes.TypeMismatch, error.Code);
            Assert.Contains(reason, error.Message);
        }

        await FailsAsync(fixture, AvroBytes.Head(new string('[', 100)), "its schema is no JSON");
        // Zeros of 100 MiB in 100 KiB.
        var zeros = new byte[100 << 20];
        await FailsAsync(fixture, [.. AvroBytes.Head(AvroBytes.Record("\"int\""), "deflate"), .. AvroBytes.Block(zeros.Length / 2, Deflate(zeros))], "block 0: it unpacks to more than 64 MiB");
        await FailsAsync(fixture, [.. AvroBytes.Head(AvroBytes.Record("\"int\""), "zstandard"), .. AvroBytes.Block(zeros.Length / 2, Zstandard(zeros))], "block 0: it unpacks to more than 64 MiB");
        await FailsAsync(fixture, [.. AvroBytes.Head(AvroBytes.Record("\"int\""), "snappy"), .. AvroBytes.Block(1, [0x80, 0x80, 0x80, 0x80, 4, 0, 0, 0, 0])], "block 0: it unpacks to more than 64 MiB");
        // Nulls that take a megabyte each, in a list: one row is a block, whatever it takes.
        var wide = """{"type":"array","items":["null",{"type":"fixed","name":"f","size":1048576}]}""";
        await FailsAsync(fixture, AvroBytes.File(wide, 1, [.. AvroBytes.Long(100_000), .. new byte[100_001]]), "row 0, column 'x': The lists of one block take more than 256 MiB");
        // As columns they make blocks of few rows.
        await File.WriteAllBytesAsync(fixture.File("a.avro"), AvroBytes.File("""["null",{"type":"fixed","name":"f","size":1048576}]""", 200, new byte[200]), s_token);
        var rows = 0;
        var result = await fixture.Read("a.avro").ForEachBlockAsync(batch => rows += batch.Length, s_token);
        Assert.Equal(200, rows);
        Assert.InRange(result.Progress.PeakMemory, 1, 128 << 20);
    }

    [Theory]
    [InlineData("deflate", 1)]
    [InlineData("snappy", 2)]
    [InlineData("zstandard", 3)]
    public async Task Packed_blocks_that_are_damaged_are_errors(string codec, int seed)
    {
        using var fixture = new FlowFixture();
        var head = AvroBytes.Head(AvroBytes.Record("\"string\""), codec);
        await FailsAsync(fixture, [.. head, .. AvroBytes.Block(1, [])], "block 0");
        await FailsAsync(fixture, [.. head, .. AvroBytes.Block(1, [1, 2, 3])], "block 0");
        var random = new Random(seed);
        for (var i = 0; i < 50; i++)
        {
            var noise = new byte[random.Next(1, 200)];
            random.NextBytes(noise);
            await FailsAsync(fixture, [.. head, .. AvroBytes.Block(1000, noise)], "block 0");
        }
    }

    [Fact]
    public async Task Mutants_are_rows_or_errors()
    {
        using var fixture = new FlowFixture();
        var corpus = new List<byte[]>();
        foreach (var codec in new[] { "null", "deflate" })
        {
            AvroTests.WriteTrips(fixture.File("trips.avro"), codec, 40);
            corpus.Add(await File.ReadAllBytesAsync(fixture.File("trips.avro"), s_token));
        }

        foreach (var codec in new[] { "snappy", "zstd" })
        {
            await fixture.Read("trips.avro").WriteAvroAsync("own.avro", new FileWriteOptions { Compression = codec, Overwrite = true }, s_token);
            corpus.Add(await File.ReadAllBytesAsync(fixture.File("own.avro"), s_token));
        }

        var (read, failed) = (0, 0);
        for (var seed = 0; seed < 600; seed++)
        {
            await File.WriteAllBytesAsync(fixture.File("a.avro"), Mutant(corpus, seed), s_token);
            try
            {
                var result = await fixture.Read("a.avro").ForEachBlockAsync(static _ => { }, s_token);
                Assert.True(result.Progress.PeakMemory < 512 << 20, $"Seed {seed} takes {result.Progress.PeakMemory} bytes.");
                read++;
            }
            catch (GristmillException e)
            {
                Assert.True(e.Code is ErrorCodes.FileFormat or ErrorCodes.TypeMismatch, $"Seed {seed} fails with {e.Code}: {e.Message}");
                failed++;
            }
            catch (Exception e) when (e is not Xunit.Sdk.IAssertionException)
            {
                Assert.Fail($"Seed {seed} fails with {e}");
            }
        }

        Assert.True(read > 0 && failed > 100, $"{read} are read, and {failed} fail: the mutants are too alike.");
    }

    private static byte[] Mutant(List<byte[]> corpus, int seed)
    {
        var random = new Random(seed);
        byte[] bytes = [.. corpus[random.Next(corpus.Count)]];
        for (var i = random.Next(1, 4); i > 0; i--)
        {
            // Half of them in the schema, whose digits and letters make other types.
            var at = random.Next(2) == 0 ? random.Next(bytes.Length) : random.Next(Math.Min(bytes.Length, 2500));
            switch (random.Next(6))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2:
                    var number = AvroBytes.Long(random.Next(3) switch { 0 => random.NextInt64(), 1 => -random.Next(100), _ => 1L << random.Next(63) });
                    bytes = [.. bytes[..at], .. number, .. bytes[Math.Min(bytes.Length, at + random.Next(1, 5))..]];
                    break;
                case 3:
                    bytes = bytes[..Math.Max(at, 8)];
                    break;
                case 4:
                    var length = random.Next(1, Math.Min(40, bytes.Length));
                    bytes.AsSpan(random.Next(bytes.Length - length), length).CopyTo(bytes.AsSpan(Math.Min(at, bytes.Length - length)));
                    break;
                default:
                    bytes = [.. bytes[..at], .. bytes[Math.Max(0, at - random.Next(200))..]];
                    break;
            }
        }

        return bytes;
    }

    private static byte[] Deflate(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var stream = new DeflateStream(packed, CompressionLevel.Fastest))
        {
            stream.Write(bytes);
        }

        return packed.ToArray();
    }

    private static byte[] Zstandard(byte[] bytes)
    {
        using var packer = new ZstdSharp.Compressor();
        return packer.Wrap(bytes).ToArray();
    }

    private static async Task<GristmillException> FailsAsync(FlowFixture fixture, byte[] bytes, string reason)
    {
        await File.WriteAllBytesAsync(fixture.File("a.avro"), bytes, s_token);
        var error = await FlowFixture.FailAsync(() => fixture.Read("a.avro").CountAsync(s_token));
        Assert.Equal((ErrorCodes.FileFormat, fixture.File("a.avro")), (error.Code, error.Error.Details["file"]));
        Assert.Contains(reason, error.Message);
        Assert.StartsWith($"'{fixture.File("a.avro")}' cannot be read as Avro: ", error.Message);
        return error;
    }
}
