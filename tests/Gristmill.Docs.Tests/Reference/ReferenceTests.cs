using System.Text.Json;
using System.Text.Json.Nodes;
using Gristmill.Hosting;

namespace Gristmill.Docs;

/// <summary>The reference pages say what the code says. With GRISTMILL_UPDATE_DOCS=1, as './mill docs' sets it, they are written instead.</summary>
public sealed class ReferenceTests
{
    private static readonly JsonSerializerOptions s_indented = new(GristmillJson.Options) { WriteIndented = true };

    [Fact]
    public void The_command_line() => Compare("cli.md", CliReference.Write());

    [Fact]
    public void The_SDK() => Compare("sdk.md", SdkReference.Write());

    [Fact]
    public void The_schema_of_a_pipeline() => Compare("pipeline.schema.json", PipelineSchema.Text + "\n");

    [Fact]
    public async Task The_REST_addresses()
    {
        await using var silo = await SiloProcess.StartAsync();
        var document = JsonNode.Parse(await silo.Http.GetStringAsync(new Uri("/openapi/v1.json", UriKind.Relative), TestContext.Current.CancellationToken))!.AsObject();
        // The address that this silo happened to have.
        document.Remove("servers");

        Compare("openapi.json", document.ToJsonString(s_indented) + "\n");
    }

    [Fact]
    public void The_error_codes_with_cause_and_remedy() => Compare("../errors.md", ErrorReference.Write(File.ReadAllText(Path.Combine(Repository.Root, "docs", "errors.md"))));

    private static void Compare(string page, string text)
    {
        var path = Path.Combine(Repository.Root, "docs", "reference", page);
        if (Environment.GetEnvironmentVariable("GRISTMILL_UPDATE_DOCS") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, text);
        }

        Assert.True(File.Exists(path) && File.ReadAllText(path) == text, $"docs/reference/{page} is not what the code says: run './mill docs' and commit it.");
    }
}
