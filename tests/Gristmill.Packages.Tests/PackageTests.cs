using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using System.Xml.Linq;

namespace Gristmill.Packages;

/// <summary>What users get: packages that stand by themselves, and programs made from nothing but them.</summary>
public sealed class PackageTests(Feed feed) : IClassFixture<Feed>
{
    private const long LargestLibrary = 1 << 20;

    // It brings Orleans along, whose generator brings the compiler.
    private const long LargestTool = 24 << 20;

    private static readonly string[] s_libraries =
    [
        "Gristmill", "Gristmill.Abstractions", "Gristmill.Client", "Gristmill.Data", "Gristmill.Engines", "Gristmill.Engines.MLNet", "Gristmill.Engines.Onnx", "Gristmill.Engines.Sql",
        "Gristmill.Engines.Torch", "Gristmill.Grains", "Gristmill.Hosting", "Gristmill.Objects", "Gristmill.Plots", "Gristmill.Storage.Postgres",
        "Gristmill.Storage.Sqlite", "Gristmill.Testing", "Gristmill.Worker",
    ];

    [Fact]
    public void There_are_these_packages_and_no_others()
    {
        var ids = Directory.EnumerateFiles(feed.Packages, "*.nupkg").Select(file => Path.GetFileNameWithoutExtension(file)[..^".0.1.0".Length]).Order(StringComparer.Ordinal);

        Assert.Equal(s_libraries.Append("Gristmill.Cli").Append("Gristmill.Templates").Order(StringComparer.Ordinal), ids);
    }

    [Fact]
    public void Each_says_what_it_is_and_is_small()
    {
        foreach (var id in s_libraries.Append("Gristmill.Cli").Append("Gristmill.Templates"))
        {
            var (files, metadata) = feed.Open(id);
            Assert.Contains("README.md", files);
            Assert.Contains("LICENSE", files);
            Assert.Equal("README.md", Text(metadata, "readme"));
            Assert.Equal("MIT", Text(metadata, "license"));
            Assert.Equal("0.1.0", Text(metadata, "version"));
            Assert.NotEqual("Package Description", Text(metadata, "description"));
            Assert.InRange(new FileInfo(feed.PathOf(id, ".nupkg")).Length, 1, id == "Gristmill.Cli" ? LargestTool : LargestLibrary);
        }
    }

    [Fact]
    public void Libraries_have_documentation_and_symbols_and_no_native_files()
    {
        foreach (var id in s_libraries)
        {
            var (files, metadata) = feed.Open(id);
            Assert.Contains($"lib/net10.0/{id}.dll", files);
            Assert.Contains($"lib/net10.0/{id}.xml", files);
            Assert.DoesNotContain(files, file => file.EndsWith(".so", StringComparison.Ordinal) || file.StartsWith("runtimes/", StringComparison.Ordinal));
            using var symbols = ZipFile.OpenRead(feed.PathOf(id, ".snupkg"));
            Assert.Contains(symbols.Entries, entry => entry.FullName == $"lib/net10.0/{id}.pdb");
            Assert.All(metadata.Descendants().Where(e => e.Name.LocalName == "dependency"), dependency =>
                Assert.DoesNotContain("Gristmill.Analyzers", dependency.Attribute("id")!.Value, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void The_analyzer_comes_with_the_SDK()
    {
        var (files, _) = feed.Open("Gristmill");

        Assert.Contains("analyzers/dotnet/cs/Gristmill.Analyzers.dll", files);
        Assert.Contains("analyzers/dotnet/cs/Gristmill.Analyzers.CodeFixes.dll", files);
    }

    [Fact]
    public async Task A_project_of_one_reference_builds_runs_and_is_analysed()
    {
        var folder = Path.Combine(feed.Root, "packaged");
        Directory.CreateDirectory(folder);
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Feed.Repository, "samples", "packaged")))
        {
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)), overwrite: true);
        }

        await feed.WriteNuGetConfigAsync(folder);
        await feed.RunAsync(folder, "dotnet", "build", "-c", "Release", "-v", "quiet", "-nologo");
        var output = await feed.RunAsync(folder, "dotnet", "run", "-c", "Release", "--no-build", "--", "--data", Path.Combine(folder, "state"), "--param", "rows=5000", "--json");

        using var run = JsonDocument.Parse(output);
        Assert.Equal("succeeded", run.RootElement.GetProperty("status").GetString());
        var count = run.RootElement.GetProperty("stages").EnumerateArray().Single(stage => stage.GetProperty("name").GetString() == "count");
        Assert.Equal(5000, count.GetProperty("outputs").GetProperty("metrics").GetProperty("metrics").GetProperty("value").GetDouble());

        var program = await File.ReadAllTextAsync(Path.Combine(folder, "Program.cs"), TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(folder, "Program.cs"), program.Replace("p.Run(Count, rows);", "var k = 2; p.Run((Dataset rows) => (double)k, rows);", StringComparison.Ordinal),
            TestContext.Current.CancellationToken);
        var thrown = await Assert.ThrowsAnyAsync<Exception>(() => feed.RunAsync(folder, "dotnet", "build", "-c", "Release", "--no-restore", "-v", "quiet", "-nologo"));
        Assert.Contains("GRM001", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_tool_makes_a_project_whose_tests_pass_and_a_server_that_runs_it()
    {
        var tools = Path.Combine(feed.Root, "tools");
        await feed.WriteNuGetConfigAsync(feed.Root);
        await feed.RunAsync(feed.Root, "dotnet", "tool", "install", "Gristmill.Cli", "--version", "0.1.0", "--tool-path", tools);
        await feed.RunAsync(feed.Root, Path.Combine(tools, "mill"), "new", "churn-model");
        var folder = Path.Combine(feed.Root, "churn-model");

        // It lies under the folder that names the feed.
        await feed.RunAsync(folder, "dotnet", "build", "tests", "-c", "Release", "-v", "quiet", "-nologo");
        await feed.RunAsync(folder, "dotnet", "test", "tests", "-c", "Release", "--no-build", "-nologo");
        await feed.RunAsync(folder, "dotnet", "run", "-c", "Release", "--", "--data", Path.Combine(folder, "state"));

        // There is no clone: the tool makes the silo of its packages.
        var mill = Path.Combine(tools, "mill");
        var port = FreePort();
        using var up = feed.Start(folder, mill, "up", "--data", Path.Combine(folder, "server"), "--port", port, $"--Gristmill:BaseDirectory={folder}");
        try
        {
            var said = new List<string>();
            while (said.LastOrDefault()?.StartsWith("Ready:", StringComparison.Ordinal) != true)
            {
                said.Add(await up.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) ?? throw new InvalidOperationException($"'mill up' has ended:\n{string.Join('\n', said)}"));
            }

            using var run = JsonDocument.Parse(await feed.RunAsync(folder, mill, "run", "pipeline.cs", "--server", $"http://127.0.0.1:{port}", "--json"));
            Assert.Equal("succeeded", run.RootElement.GetProperty("status").GetString());
            Assert.Single(Directory.EnumerateFileSystemEntries(Path.Combine(feed.Root, "user-cache", "gristmill", "silo")));
        }
        finally
        {
            up.Kill(entireProcessTree: true);
            await up.WaitForExitAsync(CancellationToken.None);
        }
    }

    private static string FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
    }

    private static string? Text(XElement metadata, string name) => metadata.Elements().SingleOrDefault(e => e.Name.LocalName == name)?.Value;
}
