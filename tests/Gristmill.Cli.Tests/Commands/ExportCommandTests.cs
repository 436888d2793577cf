using System.Text.Json;

namespace Gristmill.Cli.Commands;

/// <summary>"mill export".</summary>
public sealed class ExportCommandTests : ServedCommandTests
{
    private const string Versions = """
        {"name":"late","versions":[
          {"version":1,"model":{"digest":"d","engine":"lightgbm","bytes":1},"created":"2026-01-01T00:00:00Z"},
          {"version":2,"model":{"digest":"d","engine":"lightgbm","bytes":1},"created":"2026-01-01T00:00:00Z"}]}
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("gristmill-export-").FullName;

    public ExportCommandTests()
    {
        Answer("/api/v1/models/late", 200, "application/json", Versions);
        Answer("/api/v1/models/late/export?format=onnx&version=1", 200, "application/octet-stream", "file 1");
        Answer("/api/v1/models/late/export?format=onnx&version=2", 200, "application/octet-stream", "file 2");
        Answer("/api/v1/models/chain/*", 422, "application/problem+json", """{"code":"model.not_exportable","detail":"no"}""");
    }

    private string Model => Path.Combine(_folder, "model.onnx");

    public override void Dispose()
    {
        base.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task The_newest_version_is_written_in_place_of_what_was_there()
    {
        await File.WriteAllTextAsync(Model, "what was there before, and longer", TestContext.Current.CancellationToken);
        Assert.Contains("late version 2", await RunAsync(0, "export", "late", "--out", Model), StringComparison.Ordinal);
        Assert.Equal("file 2", await File.ReadAllTextAsync(Model, TestContext.Current.CancellationToken));
        Assert.Equal([Model], Directory.GetFiles(_folder));
    }

    [Fact]
    public async Task A_version_may_be_named_and_the_answer_be_json()
    {
        var answer = JsonDocument.Parse(await RunAsync(0, "export", "late", "--version", "1", "--format", "onnx", "-o", Model, "--json")).RootElement;
        Assert.Equal("file 1", await File.ReadAllTextAsync(Model, TestContext.Current.CancellationToken));
        Assert.Equal(["GET /api/v1/models/late/export?format=onnx&version=1"], Asked);
        Assert.Equal((1, 6, Model), (answer.GetProperty("version").GetInt32(), answer.GetProperty("bytes").GetInt32(), answer.GetProperty("file").GetString()));
    }

    [Fact]
    public async Task A_refusal_leaves_the_file_that_is_there()
    {
        await File.WriteAllTextAsync(Model, "before", TestContext.Current.CancellationToken);
        await RunAsync(1, "export", "chain", "--version", "1", "--out", Model);
        Assert.Equal("before", await File.ReadAllTextAsync(Model, TestContext.Current.CancellationToken));
        Assert.Equal([Model], Directory.GetFiles(_folder));
    }
}
