using System.Diagnostics;

namespace Gristmill.Objects.Conformance;

/// <summary>Segments as pyarrow reads them: valid in full, and equal to what pyarrow reads of the file that came in.</summary>
public sealed class PyArrowTests
{
    /// <summary>A Python that has pyarrow; build/test-services makes one where its wheels are.</summary>
    private const string Variable = "GRISTMILL_PYARROW";

    private static string? Python => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } python && File.Exists(python) ? python : null;

    [Fact]
    public async Task Official_files_written_back_are_valid_and_equal()
    {
        Assert.SkipUnless(OfficialFiles.Root is not null, OfficialFiles.Reason);
        Assert.SkipUnless(Python is not null, $"{Variable} names no Python with pyarrow");
        using var test = new TestStore();
        await CheckAsync(test, OfficialFiles.All().Where(path => !OfficialFiles.IsBigEndian(path)), OfficialFilesTests.IsKnownToBeRefused);
    }

    [Fact]
    public async Task Files_of_every_type_that_pyarrow_writes_are_stored_as_it_reads_them()
    {
        Assert.SkipUnless(Python is not null, $"{Variable} names no Python with pyarrow");
        using var test = new TestStore();
        string folder = Directory.CreateTempSubdirectory("gristmill-pyarrow-").FullName;
        try
        {
            await RunAsync("make", folder);
            await CheckAsync(test, Directory.EnumerateFiles(folder).Where(path => !path.EndsWith(".json", StringComparison.Ordinal)).Order(StringComparer.Ordinal), (_, _) => false);
            var failures = new List<string>();
            int twins = 0;
            foreach (string path in Directory.EnumerateFiles(folder, "*-twin.*").Where(path => !path.EndsWith(".json", StringComparison.Ordinal)))
            {
                var (schema, batches) = ArrowIpc.Decode(await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken));
                failures.AddRange(IntegrationJson.Read(OfficialFiles.Twin(path)!).Differences(schema, batches).Select(difference => $"{path}: {difference}"));
                twins++;
            }

            Assert.True(failures.Count == 0, string.Join('\n', failures));
            Assert.InRange(twins, 100, 1000);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task CheckAsync(TestStore test, IEnumerable<string> paths, Func<string, GristmillException, bool> isKnownToBeRefused)
    {
        var lines = new List<string>();
        var refused = new List<string>();
        foreach (string path in paths)
        {
            try
            {
                await using var source = File.OpenRead(path);
                var reference = await test.Store.ImportAsync(source, 1 << 26, TestContext.Current.CancellationToken);
                lines.Add($"{path}\t{Path.Combine(test.Directory, reference.Id + ".arrow")}");
            }
            catch (GristmillException e) when (isKnownToBeRefused(Path.GetRelativePath(OfficialFiles.Root ?? "/", path), e))
            {
                // No Arrow library reads it.
            }
            catch (GristmillException e)
            {
                refused.Add($"{path}: {e.Message}");
            }
        }

        string manifest = Path.Combine(test.Directory, "manifest");
        await File.WriteAllLinesAsync(manifest, lines, TestContext.Current.CancellationToken);
        string output = await RunAsync("check", manifest);
        Assert.True(refused.Count == 0, $"{refused.Count} refused:\n{string.Join('\n', refused)}");
        Assert.Contains($"{lines.Count} segments checked", output, StringComparison.Ordinal);
        TestContext.Current.SendDiagnosticMessage(output);
    }

    private static async Task<string> RunAsync(string command, string argument)
    {
        string script = Path.Combine(AppContext.BaseDirectory, "Conformance", "pyarrow_check.py");
        using var process = Process.Start(new ProcessStartInfo(Python!, [script, command, argument]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        output += await errors;
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, output);
        return output;
    }
}
