using System.IO.Compression;
using System.Text.Json;
using Apache.Arrow;
using Apache.Arrow.Compression;
using Apache.Arrow.Ipc;

namespace Gristmill.Objects.Import;

/// <summary>The integration files of the Arrow project, from the folder that GRISTMILL_ARROW_TESTING names.</summary>
public sealed class OfficialFilesTests
{
    private const string Variable = "GRISTMILL_ARROW_TESTING";

    [Fact]
    public async Task All_files_and_streams_are_read_or_refused_with_a_reason()
    {
        string? root = Environment.GetEnvironmentVariable(Variable);
        Assert.SkipUnless(Directory.Exists(root), $"{Variable} names no folder of Arrow's integration files");
        using var test = new TestStore();
        var failures = new List<string>();
        int read = 0;
        string[] paths = [.. Directory.EnumerateFiles(root!, "*", SearchOption.AllDirectories)
            .Where(path => Path.GetExtension(path) is ".arrow_file" or ".stream").Order(StringComparer.Ordinal)];
        foreach (string path in paths)
        {
            try
            {
                await using var source = File.OpenRead(path);
                using var lease = test.Store.Get(await test.Store.ImportAsync(source, 1 << 26, TestContext.Current.CancellationToken));
                Assert.Equal(RowsOf(path), lease.Batches.Select(batch => batch.Length));
                AssertSame(ReadByArrow(path), lease.Batches);
                read++;
            }
            catch (Exception e)
            {
                failures.Add($"{Path.GetRelativePath(root!, path)}: {e.Message}");
            }
        }

        Assert.True(failures.Count == 0, $"{read} read, {failures.Count} not:\n{string.Join('\n', failures)}");
    }

    private static List<RecordBatch> ReadByArrow(string path)
    {
        var stream = File.OpenRead(path);
        using ArrowStreamReader reader = Path.GetExtension(path) == ".stream"
            ? new ArrowStreamReader(stream, new CompressionCodecFactory())
            : new ArrowFileReader(stream, new CompressionCodecFactory());
        var batches = new List<RecordBatch>();
        while (reader.ReadNextRecordBatch() is { } batch)
        {
            batches.Add(batch);
        }

        return batches;
    }

    private static void AssertSame(List<RecordBatch> expected, IReadOnlyList<RecordBatch> actual)
    {
        for (int i = 0; i < expected.Count; i++)
        {
            for (int column = 0; column < expected[i].ColumnCount; column++)
            {
                for (int row = 0; row < expected[i].Length; row++)
                {
                    Assert.Equal(TestArrays.Show(expected[i].Column(column), row), TestArrays.Show(actual[i].Column(column), row));
                }
            }
        }
    }

    private static List<int> RowsOf(string path)
    {
        string json = path[..^Path.GetExtension(path).Length] + ".json.gz";
        using var stream = new GZipStream(File.OpenRead(json), CompressionMode.Decompress);
        using var document = JsonDocument.Parse(stream);
        return [.. document.RootElement.GetProperty("batches").EnumerateArray().Select(batch => batch.GetProperty("count").GetInt32())];
    }
}
