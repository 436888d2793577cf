namespace Gristmill;

public sealed class DocumentationTests
{
    [Fact]
    public void Every_snippet_of_the_page_on_pipelines_is_compiled()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "Pipelines.sln")))
        {
            root = root.Parent!;
        }

        var compiled = Lines(File.ReadAllText(Path.Combine(root.FullName, "tests/Gristmill.Tests/PipelineExamples.cs")));
        var page = File.ReadAllText(Path.Combine(root.FullName, "docs/pipelines.md")).ReplaceLineEndings("\n");
        var snippets = page.Split("```csharp compiled\n").Skip(1).Select(static part => part[..part.IndexOf("```", StringComparison.Ordinal)]).ToList();

        Assert.NotEmpty(snippets);
        Assert.All(snippets, snippet => Assert.Contains(Lines(snippet), compiled, StringComparison.Ordinal));
    }

    [Fact]
    public void What_the_page_shows_is_a_pipeline()
    {
        var spec = Pipeline.Create("examples", PipelineExamples.Define).Spec;

        Assert.Contains(spec.Stages, static stage => stage.Name == "clean.rows");
        Assert.Equal("notify", spec.Stages[^1].Name);
    }

    private static string Lines(string text) => "\n" + string.Join('\n', text.ReplaceLineEndings("\n").Split('\n').Select(static line => line.Trim()).Where(static line => line.Length > 0)) + "\n";
}
