using Apache.Arrow;
using Apache.Arrow.Compression;
using Apache.Arrow.Ipc;
using Gristmill.Objects.Conformance;
using Gristmill.Objects.Import;

namespace Gristmill.Objects.Fuzzing;

/// <summary>What mutants are made from: small official files, and generated ones of every type.</summary>
internal static class Corpus
{
    private const int Largest = 64 << 10;

    /// <summary>Every type as a file and as a stream, plain and compressed; odd files, and hostile ones that are one number from being read.</summary>
    public static List<byte[]> Generated()
    {
        using var test = new TestStore();
        List<byte[]> files = [];
        foreach (var (_, array) in TestArrays.All())
        {
            byte[] file = ImporterTests.Sealed(test.Store, array);
            files.Add(file);
            files.Add(file[8..^(BitConverter.ToInt32(file, file.Length - 10) + 10)]);
        }

        foreach (var codec in new[] { CompressionCodecType.Lz4Frame, CompressionCodecType.Zstd })
        {
            foreach (string name in new[] { "int64", "utf8", "dictionary_int8", "list_of_list", "utf8_view" })
            {
                files.Add(Compressed(TestArrays.All()[name], codec));
            }
        }

        files.AddRange(HostileFiles.All().Select(file => file.Bytes()).Where(bytes => bytes.Length <= Largest));
        return files;
    }

    /// <summary>The generated ones, those of Arrow where they are, and those of a folder.</summary>
    public static List<byte[]> All(string? folder) =>
    [
        .. Generated(),
        .. OfficialFiles.All().Where(path => new FileInfo(path).Length <= Largest).Select(File.ReadAllBytes),
        .. folder is null ? [] : Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(File.ReadAllBytes),
    ];

    private static byte[] Compressed(IArrowArray array, CompressionCodecType codec)
    {
        var schema = new Schema([new Field("x", array.Data.DataType, true)], null);
        using var stream = new MemoryStream();
        using var writer = new ArrowStreamWriter(stream, schema, true, new IpcOptions { CompressionCodec = codec, CompressionCodecFactory = new CompressionCodecFactory() });
        writer.WriteRecordBatch(new RecordBatch(schema, [array], array.Length));
        writer.WriteEnd();
        return stream.ToArray();
    }
}
