using System.Buffers.Binary;
using System.IO.Compression;
using Apache.Arrow.Types;

namespace Gristmill.Data.Tests.Reading;

public sealed class IdxTests
{
    private static readonly CancellationToken s_token = TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("t10k-images-idx3-ubyte.gz")]
    [InlineData("a.idx3-ubyte")]
    [InlineData("a.IDX")]
    public async Task Images_are_rows_of_a_fixed_size(string name)
    {
        using var fixture = new FlowFixture();
        var pixels = new byte[50_000 * 6];
        new Random(3).NextBytes(pixels);
        await WriteAsync(fixture.File(name), Idx(0x08, [50_000, 2, 3], pixels));

        var schema = await fixture.Read(name).GetSchemaAsync(s_token);
        var type = Assert.IsType<FixedSizeListType>(schema.GetFieldByIndex(0).DataType);
        Assert.Equal((6, ArrowTypeId.UInt8, "2,3"), (type.ListSize, type.ValueDataType.TypeId, schema.GetFieldByIndex(0).Metadata["shape"]));
        var rows = await fixture.Read(name).Map((byte[] value) => value).ToListAsync(s_token);
        Assert.Equal(pixels, rows.SelectMany(static row => row));

        using var lease = fixture.Store.Get(await fixture.Read(name).ToObjectAsync(fixture.Store, s_token));
        Assert.Equal(50_000, lease.Batches.Sum(static batch => batch.Length));
    }

    [Fact]
    public async Task Numbers_of_each_type_are_read()
    {
        using var fixture = new FlowFixture();
        await WriteAsync(fixture.File("a.idx"), Idx(0x08, [3], [1, 2, 255]));
        await WriteAsync(fixture.File("b.idx"), Idx(0x09, [2], [1, 0xFF]));
        await WriteAsync(fixture.File("c.idx"), Idx(0x0B, [2], Each<short>([-2, 300], 2, BinaryPrimitives.WriteInt16BigEndian)));
        await WriteAsync(fixture.File("d.idx1-int"), Idx(0x0C, [2], Each<int>([-3, 1 << 20], 4, BinaryPrimitives.WriteInt32BigEndian)));
        await WriteAsync(fixture.File("e.idx"), Idx(0x0D, [2, 2], Each<float>([1.5f, -2, 3, float.MaxValue], 4, BinaryPrimitives.WriteSingleBigEndian)));
        await WriteAsync(fixture.File("f-idx1-double.gz"), Idx(0x0E, [1], Each<double>([Math.PI], 8, BinaryPrimitives.WriteDoubleBigEndian)));

        Assert.Equal(258, await fixture.Read("a.idx").SumAsync("value", s_token));
        Assert.Equal([1, -1], await fixture.Read("b.idx").As<sbyte>().ToListAsync(s_token));
        Assert.Equal([-2, 300], await fixture.Read("c.idx").As<short>().ToListAsync(s_token));
        Assert.Equal([-3, 1 << 20], await fixture.Read("d.idx1-int").As<int>().ToListAsync(s_token));
        Assert.Equal([1.5f, -2, 3, float.MaxValue], (await fixture.Read("e.idx").As<float[]>().ToListAsync(s_token)).SelectMany(static row => row));
        Assert.Equal([Math.PI], await fixture.Read("f-idx1-double.gz").As<double>().ToListAsync(s_token));
    }

    [Fact]
    public async Task What_is_no_such_file_is_named_with_the_reason()
    {
        using var fixture = new FlowFixture();
        var good = Idx(0x08, [4, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
        foreach (var (bytes, reason) in new (byte[], string)[]
        {
            ([], "does not begin as an IDX file does"),
            ([1, .. good[1..]], "does not begin as an IDX file does"),
            ([0, 0, 7, .. good[3..]], "unknown type 0x07"),
            ([0, 0, 8, 0], "no dimension"),
            (good[..9], "head is cut off"),
            (good[..^1], "4 items of 2 bytes are announced, and 7 bytes follow"),
            ([.. good, 0], "4 items of 2 bytes are announced, and 9 bytes follow"),
            (Idx(0x08, [4, 0], []), "items are empty"),
            (Idx(0x0E, [1, 1 << 20, 1 << 20], []), "an item takes more than 256 MiB"),
            (Pack(good[..^1]), "ends in item 3 of 4"),
            (Pack([.. good, 0]), "more follows behind the 4 items"),
            (Pack(good)[..^12], ""),
        })
        {
            await File.WriteAllBytesAsync(fixture.File("a.idx"), bytes, s_token);
            var error = await FlowFixture.FailAsync(() => fixture.Read("a.idx").CountAsync(s_token));
            Assert.Equal((ErrorCodes.FileFormat, fixture.File("a.idx")), (error.Code, error.Error.Details["file"]));
            Assert.Contains(reason, error.Message);
        }

        await File.WriteAllBytesAsync(fixture.File("a.idx"), good[..^1], s_token);
        await File.WriteAllBytesAsync(fixture.File("b.idx"), good, s_token);
        Assert.Equal(4, await fixture.Read("?.idx", new FileReadOptions { OnUnreadable = UnreadableFiles.Skip }).Take(1000).CountAsync(s_token));
    }

    [Fact]
    public async Task Blocks_have_bounded_bytes()
    {
        using var fixture = new FlowFixture();
        await WriteAsync(fixture.File("a.idx.gz"), Idx(0x08, [600, 1 << 16], new byte[600 << 16]));
        var blocks = new List<int>();

        var result = await fixture.Read("a.idx.gz").ForEachBlockAsync(batch => blocks.Add(batch.Length), s_token);

        Assert.Equal(600, blocks.Sum());
        Assert.InRange(blocks.Max(), 1, (4 << 20) >> 16);
        Assert.InRange(result.Progress.PeakMemory, 1, 64 << 20);
    }

    private static byte[] Each<T>(T[] values, int width, Action<Span<byte>, T> write) => [.. values.SelectMany(value =>
    {
        var bytes = new byte[width];
        write(bytes, value);
        return bytes;
    })];

    private static byte[] Idx(byte type, int[] lengths, byte[] numbers) => [0, 0, type, (byte)lengths.Length, .. Each(lengths, 4, BinaryPrimitives.WriteInt32BigEndian), .. numbers];

    private static byte[] Pack(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var stream = new GZipStream(packed, CompressionLevel.Fastest))
        {
            stream.Write(bytes);
        }

        return packed.ToArray();
    }

    private static Task WriteAsync(string path, byte[] bytes) => File.WriteAllBytesAsync(path, path.EndsWith(".gz", StringComparison.Ordinal) ? Pack(bytes) : bytes, s_token);
}
