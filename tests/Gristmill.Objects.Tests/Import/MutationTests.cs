using Apache.Arrow;
using Apache.Arrow.Compression;
using Apache.Arrow.Ipc;
using Apache.Arrow.Types;

namespace Gristmill.Objects.Import;

/// <summary>Damaged bytes give a typed error or other values, never a crash or a huge allocation.</summary>
public sealed class MutationTests
{
    private const int Seed = 20010403;

    private static readonly string[] Names =
    [
        "utf8", "list_of_list", "struct", "map", "dense_union", "sparse_union", "dictionary_int8", "dictionary_of_dictionaries", "utf8_view",
        "list_view", "large_list_view", "large_utf8", "run_end_int32", "fixed_size_list", "bool", "decimal128", "null",
    ];

    [Fact]
    public void Mutated_files_and_streams_never_crash_their_reader()
    {
        var files = Files();
        int refused = 0;
        for (int round = 0; round < 8000; round++)
        {
            var random = new Random(Seed + round);
            byte[] bytes = Mutate(files[round % files.Length], random);
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                var (_, batches) = ArrowIpc.Decode(bytes, 1 << 20);
                foreach (var batch in batches)
                {
                    Touch(batch);
                }
            }
            catch (GristmillException e) when (e.Code is ErrorCodes.Corrupt or ErrorCodes.Invalid)
            {
                refused++;
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {Seed + round}, file {round % files.Length}: {e}");
            }

            Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 16 << 20, $"seed {Seed + round} allocated too much");
        }

        Assert.InRange(refused, 2000, 8000);
    }

    [Fact]
    public void Segments_with_damaged_metadata_are_refused_or_read()
    {
        using var test = new TestStore();
        var original = ObjectStoreTests.Write(test.Store, 50, 3);
        byte[] bytes = File.ReadAllBytes(Path.Combine(test.Directory, original.Id + ".arrow"));
        for (int round = 0; round < 600; round++)
        {
            var random = new Random(Seed + round);
            byte[] mutated = Mutate(bytes, random, metadataFrom: bytes.Length - 900);
            string id = Guid.NewGuid().ToString("n");
            string path = Path.Combine(test.Directory, id + ".arrow");
            File.WriteAllBytes(path, mutated);
            try
            {
                using var lease = test.Store.Get(id);
                _ = lease.Batches.Sum(batch => batch.Length);
            }
            catch (GristmillException e) when (e.Code == ErrorCodes.Corrupt)
            {
                // Refused with a reason.
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {Seed + round}: {e}");
            }

            File.Delete(path);
        }
    }

    /// <summary>Reads values as a consumer would.</summary>
    internal static void Touch(RecordBatch batch)
    {
        foreach (var array in batch.Arrays)
        {
            for (int i = 0; i < Math.Min(array.Length, 64); i++)
            {
                _ = TestArrays.Show(array, i);
            }

            if (array.Length > 64)
            {
                _ = TestArrays.Show(array, array.Length - 1);
            }
        }
    }

    private static byte[] Mutate(byte[] original, Random random, int metadataFrom = -1)
    {
        byte[] bytes = (byte[])original.Clone();
        int start = Math.Max(metadataFrom, 0);
        switch (random.Next(8))
        {
            case 0:
                return bytes[..random.Next(bytes.Length)];
            case 1: // an offset, length or count
                int at = random.Next(start / 4, bytes.Length / 4) * 4;
                int[] values = [-1, 0, 1, int.MaxValue, int.MinValue, 0x10000, random.Next()];
                BitConverter.TryWriteBytes(bytes.AsSpan(at), values[random.Next(values.Length)]);
                return bytes;
            case 2: // a stretch from elsewhere
                int length = random.Next(1, 64), from = random.Next(bytes.Length - length), to = random.Next(start, bytes.Length - length);
                original.AsSpan(from, length).CopyTo(bytes.AsSpan(to));
                return bytes;
            default:
                for (int i = random.Next(1, 9); i > 0; i--)
                {
                    bytes[random.Next(start, bytes.Length)] ^= (byte)(1 << random.Next(8));
                }

                return bytes;
        }
    }

    private static byte[] Compressed(CompressionCodecType codec)
    {
        var array = new Int64Array.Builder().AppendRange(Enumerable.Range(0, 500).Select(i => (long)(i / 50))).Build();
        var schema = new Schema([new Field("x", Int64Type.Default, true)], null);
        using var stream = new MemoryStream();
        using var writer = new ArrowStreamWriter(stream, schema, true, new IpcOptions { CompressionCodec = codec, CompressionCodecFactory = new CompressionCodecFactory() });
        writer.WriteRecordBatch(new RecordBatch(schema, [array], array.Length));
        writer.WriteEnd();
        return stream.ToArray();
    }

    private static byte[][] Files()
    {
        using var test = new TestStore();
        var arrays = TestArrays.All();
        var files = Names.Select(name => ImporterTests.Sealed(test.Store, arrays[name])).ToList();

        // As streams too: the same messages without a footer to check them against.
        files.AddRange(files.ToArray().Select(file => file[8..^(BitConverter.ToInt32(file, file.Length - 10) + 10)]));
        files.AddRange(new[] { CompressionCodecType.Lz4Frame, CompressionCodecType.Zstd }.Select(Compressed));
        return [.. files];
    }
}
