using System.Text;
using System.Text.RegularExpressions;
using Apache.Arrow;

namespace Gristmill.Objects.Conformance;

/// <summary>The official files against their JSON twins: every version, as a file and as a stream, to the last value.</summary>
public sealed partial class OfficialFilesTests
{
    private const long MaxBytes = 1 << 26;

    [Fact]
    public async Task Files_and_streams_hold_what_their_json_twins_say()
    {
        Assert.SkipUnless(OfficialFiles.Root is not null, OfficialFiles.Reason);
        using var test = new TestStore();
        var failures = new List<string>();
        int read = 0;
        foreach (string path in OfficialFiles.All().Where(path => !OfficialFiles.IsBigEndian(path)))
        {
            string name = OfficialFiles.Name(path);
            try
            {
                byte[] bytes = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
                var twin = IntegrationJson.Read(OfficialFiles.Twin(path) ?? throw new FileNotFoundException("it has no JSON twin"));
                using var lease = test.Store.Get(await test.Store.ImportAsync(new MemoryStream(bytes), MaxBytes, TestContext.Current.CancellationToken));
                lease.Verify();
                failures.AddRange(twin.Differences(lease.Schema, lease.Batches).Where(IsMeant).Select(difference => $"{name}: {difference}"));

                // Without a store, too: the arrays as they came.
                var (schema, batches) = ArrowIpc.Decode(bytes);
                failures.AddRange(twin.Differences(schema, batches).Where(IsMeant).Select(difference => $"{name}, decoded alone: {difference}"));
                read++;

                // The stream of version 1.0.0 was written by a library that gave map entries names of its own.
                bool IsMeant(string difference) => !difference.Contains("in place of '  'some_", StringComparison.Ordinal)
                    && !difference.Contains("in place of '    'some_", StringComparison.Ordinal) || bytes.AsSpan().IndexOf("some_entries"u8) >= 0;
            }
            catch (GristmillException e) when (IsKnownToBeRefused(name, e))
            {
                read++;
            }
            catch (Exception e)
            {
                failures.Add($"{name}: {e.Message}");
            }
        }

        Assert.True(failures.Count == 0, $"{read} read, {failures.Count} differences:\n{string.Join('\n', failures)}");
        Assert.True(read > 0, "no file was found");
        TestContext.Current.SendDiagnosticMessage($"{read} files and streams equal their twins");
    }

    [Fact]
    public async Task A_twin_that_says_something_else_is_noticed()
    {
        Assert.SkipUnless(OfficialFiles.Root is not null, OfficialFiles.Reason);
        using var test = new TestStore();
        int changed = 0;
        foreach (string path in OfficialFiles.All().Where(path => path.EndsWith(".stream", StringComparison.Ordinal) && !OfficialFiles.IsBigEndian(path)))
        {
            string json = Text(OfficialFiles.Twin(path)!);
            (Schema Schema, IReadOnlyList<RecordBatch> Batches) table;
            try
            {
                table = ArrowIpc.Decode(await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken));
            }
            catch (GristmillException e) when (IsKnownToBeRefused(OfficialFiles.Name(path), e))
            {
                continue;
            }

            foreach (var (pattern, replacement) in new[] { (Nullable(), "\"nullable\":false"), (FirstName(), "\"name\":\"another\""), (Count(), "\"batches\":[{\"count\":8888") })
            {
                string other = pattern.Replace(json, replacement, 1);
                if (other != json)
                {
                    Assert.NotEmpty(IntegrationJson.Parse(other).Differences(table.Schema, table.Batches));
                    changed++;
                }
            }
        }

        Assert.True(changed > 0);
    }

    [Fact]
    public async Task Big_endian_files_are_refused_and_say_so()
    {
        Assert.SkipUnless(OfficialFiles.Root is not null, OfficialFiles.Reason);
        using var test = new TestStore();

        // Files of a big-endian machine, where there are some, and those of a small one whose schema says otherwise.
        foreach (string path in OfficialFiles.All())
        {
            byte[] bytes = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
            foreach (byte[] big in OfficialFiles.IsBigEndian(path) ? [bytes] : Endian.Claim(bytes) is { } claimed ? new[] { claimed } : [])
            {
                var error = await Assert.ThrowsAsync<GristmillException>(() => test.Store.ImportAsync(new MemoryStream(big), MaxBytes, TestContext.Current.CancellationToken));
                Assert.Equal(ErrorCodes.Corrupt, error.Code);
                Assert.Contains("big-endian", error.Message, StringComparison.Ordinal);
                Assert.Empty(test.Files());
            }
        }
    }

    /// <summary>Unions of metadata version 4 could be null themselves, which those of version 5 cannot; no Arrow library reads them.</summary>
    internal static bool IsKnownToBeRefused(string name, GristmillException error) =>
        name.StartsWith("0.", StringComparison.Ordinal) && name.Contains("union", StringComparison.Ordinal) && error.Message.Contains("validity bitmap", StringComparison.Ordinal);

    private static string Text(string path)
    {
        using var file = File.OpenRead(path);
        using var reader = new StreamReader(new System.IO.Compression.GZipStream(file, System.IO.Compression.CompressionMode.Decompress), Encoding.UTF8);
        return reader.ReadToEnd();
    }

    [GeneratedRegex("\"nullable\":\\s*true")]
    private static partial Regex Nullable();

    [GeneratedRegex("\"name\":\\s*\"[^\"]*\"")]
    private static partial Regex FirstName();

    [GeneratedRegex("\"batches\":\\s*\\[\\s*\\{\\s*\"count\":\\s*\\d+")]
    private static partial Regex Count();
}
