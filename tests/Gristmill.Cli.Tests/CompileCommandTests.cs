using Spectre.Console;

namespace Gristmill.Cli;

public sealed class CompileCommandTests : IDisposable
{
    private const string Spec = """{"name":"x","stages":[{"name":"a","operation":"core.noop","options":{"q":"no","n":1.50}}]}""";

    private readonly string _folder = Directory.CreateTempSubdirectory("gristmill-compile-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_spec_is_converted_there_and_back_and_stays_what_it_is()
    {
        var json = Write("a.json", Spec);

        Assert.Equal(0, await InvokeAsync("compile", json, "-o", In("b.yaml")));
        Assert.Equal(0, await InvokeAsync("compile", In("b.yaml"), "-o", In("c.json")));

        Assert.Equal(PipelineVersion.Of(SpecFile.Read(json)), PipelineVersion.Of(SpecFile.Read(In("c.json"))));
        Assert.Contains("\"no\"", await File.ReadAllTextAsync(In("b.yaml"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"name":"x","stagse":[]}""")]
    [InlineData("""{"name":"x","stages":[{"name":"a","operation":"core.noop","after":["a"]}]}""")]
    [InlineData("nothing")]
    public async Task What_is_no_pipeline_is_wrong_usage(string text)
    {
        var path = Write("bad.json", text);

        Assert.Equal(2, await InvokeAsync("compile", path, "-o", In("out.yaml")));
        Assert.Equal(2, await InvokeAsync("run", path));
        Assert.False(File.Exists(In("out.yaml")));
    }

    [Fact]
    public async Task What_is_not_there_or_cannot_be_written_is_wrong_usage()
    {
        Assert.Equal(2, await InvokeAsync("compile", In("none.json")));
        Assert.Equal(2, await InvokeAsync("compile", Write("a.json", Spec), "-o", In("a.txt")));
        Assert.Equal(2, await InvokeAsync("run", In("none.yaml")));
        Assert.Equal(3, await InvokeAsync("run", In("a.json"), "--server", "http://127.0.0.1:1"));
    }

    [Fact]
    public async Task A_spec_that_calls_code_and_names_none_does_not_leave_this_machine() => Assert.Equal(1, await InvokeAsync("run", Write("code.json",
        """{"name":"x","stages":[{"name":"a","operation":"code.call","options":{"type":"T","method":"M"}}]}"""), "--server", "http://127.0.0.1:1"));

    private static Task<int> InvokeAsync(params string[] args) => MillCli.InvokeAsync(args, AnsiConsole.Console, TestContext.Current.CancellationToken);

    private string In(string name) => Path.Combine(_folder, name);

    private string Write(string name, string text)
    {
        File.WriteAllText(In(name), text);
        return In(name);
    }
}
