using Gristmill.Cli.Infrastructure;
using Spectre.Console;

namespace Gristmill.Cli;

public sealed class ProjectTemplateTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gristmill-new-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_project_has_its_name_everywhere_and_no_place_left_open()
    {
        var target = Path.Combine(_folder, "churn-model");

        var files = ProjectTemplate.Write("churn-model", target);

        Assert.Equal([".gitignore", "README.md", "churn-model.csproj", "data/parcels.csv", "pipeline.cs", "tests/PipelineTests.cs", "tests/churn-model.Tests.csproj"], files.Order(StringComparer.Ordinal));
        Assert.All(files, file => Assert.DoesNotContain("MILL_", File.ReadAllText(Path.Combine(target, file)), StringComparison.Ordinal));
        var pipeline = File.ReadAllText(Path.Combine(target, "pipeline.cs"));
        Assert.Contains("public static class ChurnModel", pipeline, StringComparison.Ordinal);
        Assert.Contains("Pipeline.Create(\"churn-model\"", pipeline, StringComparison.Ordinal);
        Assert.Contains($"Version=\"{ProjectTemplate.Version}\"", File.ReadAllText(Path.Combine(target, "churn-model.csproj")), StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_folder_will_do_and_another_is_left_alone()
    {
        var target = Path.Combine(_folder, "there");
        Directory.CreateDirectory(target);
        ProjectTemplate.Write("there", target);
        var before = Directory.GetFiles(target, "*", SearchOption.AllDirectories).ToDictionary(file => file, File.GetLastWriteTimeUtc);

        Assert.Equal(ErrorCodes.Conflict, Assert.Throws<GristmillException>(() => ProjectTemplate.Write("there", target)).Code);
        Assert.Equal(ErrorCodes.Conflict, Assert.Throws<GristmillException>(() => ProjectTemplate.Write("there", Path.Combine(target, "README.md"))).Code);
        Assert.Equal(before, Directory.GetFiles(target, "*", SearchOption.AllDirectories).ToDictionary(file => file, File.GetLastWriteTimeUtc));
    }

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData("a/b")]
    [InlineData("a b")]
    [InlineData("-x")]
    [InlineData("1st")]
    [InlineData("ä")]
    [InlineData("gristmill")]
    [InlineData("pipeline")]
    public void A_name_that_cannot_be_is_refused(string name)
    {
        Assert.Equal(ErrorCodes.Invalid, Assert.Throws<GristmillException>(() => ProjectTemplate.Write(name, Path.Combine(_folder, "x"))).Code);
        Assert.Empty(Directory.GetFileSystemEntries(_folder));
    }

    [Theory]
    [InlineData("churn", "Churn")]
    [InlineData("churn-model.v2", "ChurnModelV2")]
    [InlineData("a_b", "AB")]
    public void A_name_gives_a_class(string name, string identifier) => Assert.Equal(identifier, ProjectTemplate.Identifier(name));

    [Fact]
    public async Task The_command_ends_with_the_code_of_its_error()
    {
        Assert.Equal(0, await MillCli.InvokeAsync(["new", "fresh", "-o", Path.Combine(_folder, "fresh")], AnsiConsole.Console, TestContext.Current.CancellationToken));
        Assert.Equal(2, await MillCli.InvokeAsync(["new", "fresh", "-o", Path.Combine(_folder, "fresh")], AnsiConsole.Console, TestContext.Current.CancellationToken));
        Assert.Equal(2, await MillCli.InvokeAsync(["new", "not a name"], AnsiConsole.Console, TestContext.Current.CancellationToken));
    }
}
