namespace Gristmill.Cli.Commands;

/// <summary><c>mill run</c> of a spec, against a server that answers what a test says.</summary>
public sealed class SpecRunTests : ServedCommandTests
{
    private readonly string _spec = Path.Combine(Path.GetTempPath(), $"gristmill-spec-{Guid.NewGuid():n}.json");

    public override void Dispose()
    {
        File.Delete(_spec);
        base.Dispose();
    }

    [Fact]
    public async Task A_spec_is_run_with_all_that_was_asked_for()
    {
        await File.WriteAllTextAsync(_spec, """
            {"name":"x","parameters":[{"name":"n","type":"integer"}],"stages":[{"name":"a","operation":"core.noop"}]}
            """, TestContext.Current.CancellationToken);
        Answer("/api/v1/pipelines/x", new PipelineView { Name = "x", Version = "1", Spec = SpecFile.Read(_spec), Updated = default });
        Answer("/api/v1/pipelines/x/runs", 202, "application/json", """{"id":"r1"}""");

        Assert.Contains("Run r1 of x started", await RunAsync(0, "run", _spec, "--param", "n=3", "--partition", "2001-04", "--no-cache", "--detach"), StringComparison.Ordinal);

        Assert.Equal(["PUT /api/v1/pipelines/x", "POST /api/v1/pipelines/x/runs"], Asked);
        Assert.Equal("""{"parameters":{"n":3},"noCache":true,"partition":"2001-04"}""", Bodies[^1]);
    }
}
