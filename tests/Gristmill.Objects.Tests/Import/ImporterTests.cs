using System.Buffers.Binary;
using System.Text;
using Apache.Arrow;
using Apache.Arrow.Compression;
using Apache.Arrow.Ipc;
using Apache.Arrow.Types;

namespace Gristmill.Objects.Import;

public sealed class ImporterTests
{
    public static TheoryData<string> Names => [.. TestArrays.All().Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Every_type_comes_in_as_a_file_and_comes_out_the_same(string name)
    {
        var array = TestArrays.All()[name];
        using var test = new TestStore();
        byte[] file = Sealed(test.Store, array);
        using var lease = test.Store.Get(await test.Store.ImportAsync(new MemoryStream(file), 1 << 20, TestContext.Current.CancellationToken));
        AssertSame([array, array], lease.Batches);
        lease.Verify();
        Assert.DoesNotContain(test.Files(), f => f.EndsWith(".building", StringComparison.Ordinal));
        AssertSame([array, array], ArrowIpc.Decode(file).Batches);
    }

    [Fact]
    public async Task A_fingerprint_is_believed_of_no_file_from_outside_and_of_no_damaged_segment()
    {
        using var test = new TestStore();
        string name = Guid.NewGuid().ToString("n"); // a schema that nothing has met yet
        var (whole, mark) = Seal(new Int64Array.Builder().Append(1).Build());
        var (other, otherMark) = Seal(new DoubleArray.Builder().Append(1).Build());
        Encoding.ASCII.GetBytes(mark).CopyTo(other, other.AsSpan().IndexOf(Encoding.ASCII.GetBytes(otherMark)));

        // A segment that has changed, read first: whole ones of that fingerprint are read by their own schema.
        Assert.IsType<DoubleType>(TypeOf(Place(other)));
        Assert.IsType<Int64Type>(TypeOf(Place(whole)));

        // And the other way round: a file that comes in is read as what it holds.
        Assert.IsType<DoubleType>(TypeOf((await test.Store.ImportAsync(new MemoryStream(other), 1 << 20, TestContext.Current.CancellationToken)).Id));

        (byte[] Bytes, string Fingerprint) Seal(IArrowArray array)
        {
            var schema = new Schema([new Field(name, array.Data.DataType, true)], null);
            using var writer = test.Store.Create(schema);
            writer.Append(new RecordBatch(schema, [array], array.Length));
            var sealedAs = writer.Seal();
            return (File.ReadAllBytes(Path.Combine(test.Directory, sealedAs.Id + ".arrow")), sealedAs.SchemaFingerprint);
        }

        string Place(byte[] segment)
        {
            string id = Guid.NewGuid().ToString("n");
            File.WriteAllBytes(Path.Combine(test.Directory, id + ".arrow"), segment);
            return id;
        }

        IArrowType TypeOf(string id)
        {
            using var lease = test.Store.Get(id);
            return lease.Batches[0].Column(0).Data.DataType;
        }
    }

    [Theory]
    [InlineData(null, false)]
    [InlineData(CompressionCodecType.Lz4Frame, false)]
    [InlineData(CompressionCodecType.Zstd, false)]
    [InlineData(null, true)]
    [InlineData(CompressionCodecType.Zstd, true)]
    public async Task Streams_and_files_of_other_writers_are_taken_compressed_or_not(CompressionCodecType? codec, bool file)
    {
        string[] names = ["utf8", "int64", "bool", "list", "struct", "dictionary_int8", "utf8_view", "fixed_size_list", "map", "decimal128"];
        var arrays = TestArrays.All().Where(pair => names.Contains(pair.Key)).ToArray();
        Assert.Equal(names.Length, arrays.Length);
        var schema = new Schema(arrays.Select(pair => new Field(pair.Key, pair.Value.Data.DataType, true)), null);
        var batch = new RecordBatch(schema, arrays.Select(pair => pair.Value), TestArrays.Length);
        using var stream = new MemoryStream();
        var options = new IpcOptions { CompressionCodec = codec, CompressionCodecFactory = new CompressionCodecFactory() };
        using (var writer = file ? new ArrowFileWriter(stream, schema, true, options) : new ArrowStreamWriter(stream, schema, true, options))
        {
            writer.WriteRecordBatch(batch);
            writer.WriteRecordBatch(batch);
            writer.WriteEnd();
        }

        stream.Position = 0;
        using var test = new TestStore();
        using var lease = test.Store.Get(await test.Store.ImportAsync(stream, 1 << 20, TestContext.Current.CancellationToken));
        Assert.Equal(2, lease.Batches.Count);
        for (int column = 0; column < arrays.Length; column++)
        {
            for (int i = 0; i < TestArrays.Length; i++)
            {
                Assert.Equal(TestArrays.Show(arrays[column].Value, i), TestArrays.Show(lease.Batches[1].Column(column), i));
            }
        }
    }

    [Fact]
    public async Task Large_streams_go_through_a_file_that_is_gone_afterwards()
    {
        using var test = new TestStore();
        byte[] stream = Stream(400_000, 3);
        using var lease = test.Store.Get(await test.Store.ImportAsync(new Trickle(stream), 1 << 24, TestContext.Current.CancellationToken));
        Assert.Equal(1_200_000, lease.Ref.Rows);
        Assert.Equal(399_999, ((Int64Array)lease.Batches[2].Column(0)).GetValue(399_999));
        Assert.Single(test.Files());
        await AssertRefused(ErrorCodes.Invalid, test, stream, maxBytes: 5_000_000);
        await AssertRefused(ErrorCodes.Corrupt, test, stream[..5_000_001]);
        Assert.Single(test.Files());
    }

    [Fact]
    public async Task A_cancelled_import_leaves_nothing()
    {
        using var test = new TestStore();
        using var source = new CancellationTokenSource();
        var trickle = new Trickle(Stream(400_000, 1)) { Before = position => { if (position > 2_000_000) { source.Cancel(); } } };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => test.Store.ImportAsync(trickle, 1 << 24, source.Token));
        Assert.Empty(test.Files());
    }

    [Fact]
    public async Task What_is_no_arrow_data_is_refused()
    {
        using var test = new TestStore();
        await AssertRefused(ErrorCodes.Corrupt, test, []);
        await AssertRefused(ErrorCodes.Corrupt, test, [1, 2, 3]);
        await AssertRefused(ErrorCodes.Corrupt, test, "id,name\n1,x\n"u8.ToArray());
        await AssertRefused(ErrorCodes.Corrupt, test, "ARROW1\0\0ARROW1"u8.ToArray());
        await AssertRefused(ErrorCodes.Corrupt, test, new byte[100_000]);
        byte[] stream = Stream(100, 1);
        await AssertRefused(ErrorCodes.Corrupt, test, stream[..^300]);
        Assert.Empty(test.Files());
    }

    [Fact]
    public void A_small_compressed_body_cannot_claim_gigabytes()
    {
        var array = TestArrays.All()["int64"];
        var schema = new Schema([new Field("x", Int64Type.Default, true)], null);
        foreach (var codec in new[] { CompressionCodecType.Lz4Frame, CompressionCodecType.Zstd })
        {
            using var stream = new MemoryStream();
            using (var writer = new ArrowStreamWriter(stream, schema, true, new IpcOptions { CompressionCodec = codec, CompressionCodecFactory = new CompressionCodecFactory() }))
            {
                writer.WriteRecordBatch(new RecordBatch(schema, [array], TestArrays.Length));
                writer.WriteEnd();
            }

            byte[] bytes = stream.ToArray();
            int at = bytes.AsSpan().IndexOf(BitConverter.GetBytes((long)TestArrays.Length * 8).AsSpan());
            Assert.True(at > 0 || bytes.AsSpan().IndexOf(BitConverter.GetBytes(-1L)) > 0);
            for (at = 0; at + 8 <= bytes.Length; at += 8)
            {
                if (BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(at)) == TestArrays.Length * 8)
                {
                    BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(at), 2_000_000_000);
                }
            }

            if (!bytes.AsSpan().SequenceEqual(stream.ToArray()))
            {
                Assert.NotEqual(ErrorCodes.Internal, Assert.Throws<GristmillException>(() => ArrowIpc.Decode(bytes, 1 << 20)).Code);
            }
        }
    }

    internal static byte[] Sealed(ObjectStore store, IArrowArray array)
    {
        var schema = new Schema([new Field("x", array.Data.DataType, true)], null);
        using var writer = store.Create(schema);
        writer.Append(new RecordBatch(schema, [array], array.Length));
        writer.Append(new RecordBatch(schema, [array], array.Length));
        return File.ReadAllBytes(Path.Combine(store.Options.Directory, writer.Seal().Id + ".arrow"));
    }

    private static void AssertSame(IArrowArray[] expected, IReadOnlyList<RecordBatch> batches)
    {
        Assert.Equal(expected.Length, batches.Count);
        for (int i = 0; i < expected.Length; i++)
        {
            var actual = batches[i].Column(0);
            Assert.Equal(Enumerable.Range(0, expected[i].Length).Select(k => TestArrays.Show(expected[i], k)),
                Enumerable.Range(0, actual.Length).Select(k => TestArrays.Show(actual, k)));
        }
    }

    private static byte[] Stream(int rows, int batches)
    {
        var schema = new Schema([new Field("x", Int64Type.Default, false)], null);
        byte[] values = new byte[rows * 8];
        for (int i = 0; i < rows; i++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(values.AsSpan(i * 8), i);
        }

        using var stream = new MemoryStream();
        using var writer = new ArrowStreamWriter(stream, schema, true);
        for (int i = 0; i < batches; i++)
        {
            writer.WriteRecordBatch(new RecordBatch(schema, [new Int64Array(new ArrowBuffer(values), ArrowBuffer.Empty, rows, 0, 0)], rows));
        }

        writer.WriteEnd();
        return stream.ToArray();
    }

    private static async Task AssertRefused(string code, TestStore test, byte[] bytes, long maxBytes = 1 << 24)
    {
        var error = await Assert.ThrowsAsync<GristmillException>(() => test.Store.ImportAsync(new MemoryStream(bytes), maxBytes, TestContext.Current.CancellationToken));
        Assert.Equal(code, error.Code);
        Assert.NotNull(error.Error.Hint);
    }

    /// <summary>Gives a few bytes at a time, as a socket does.</summary>
    private sealed class Trickle(byte[] bytes) : MemoryStream(bytes)
    {
        public Action<long> Before { get; init; } = _ => { };

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Before(Position);
            return base.ReadAsync(buffer[..Math.Min(buffer.Length, 70_001)], cancellationToken);
        }
    }
}
