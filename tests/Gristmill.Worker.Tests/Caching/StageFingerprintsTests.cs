using System.Collections.Immutable;
using System.Text.Json;
using Gristmill.Engines;
using Gristmill.Worker.Tests;

namespace Gristmill.Worker;

public sealed class StageFingerprintsTests : IDisposable
{
    private const string Source = "public static class Stages { public static int Run(int n) => n + 1; public static int Other(int n) => n; }";

    private readonly Mill _mill = new();

    public void Dispose() => _mill.Dispose();

    private StageDigest? Digest(StageSpec stage, CodeRef? code = null) => new StageFingerprints(_mill.Objects, _mill.Content, null).Digest(stage, code);

    private StageDigest? Digest(string source, string method = "Run", string argument = "1")
    {
        var staged = _mill.Content.Stage();
        Compiled.Write(staged, "pipeline", source);
        var arguments = ImmutableDictionary<string, JsonElement>.Empty.Add("n", JsonElement.Parse(argument));
        var options = JsonSerializer.Serialize(new CodeCallOptions { Type = "Stages", Method = method, Arguments = arguments }, StageJson.Options);
        return Digest(new StageSpec { Name = "a", Operation = StageOperations.Code, Options = options }, new CodeRef(_mill.Content.Commit(staged).Digest, "pipeline.dll"));
    }

    [Fact]
    public void A_stages_digest_is_of_its_code_apart_from_its_arguments()
    {
        var before = Digest(Source)!;
        Assert.Equal(before, Digest(Source.Replace("=> n;", "=> n + 7;", StringComparison.Ordinal)));
        Assert.Equal(before with { Code = Digest(Source.Replace("n + 1", "n + 2", StringComparison.Ordinal))!.Code }, Digest(Source.Replace("n + 1", "n + 2", StringComparison.Ordinal)));
        Assert.NotEqual(before.Code, Digest(Source.Replace("n + 1", "n + 2", StringComparison.Ordinal))!.Code);
        var other = Digest(Source, argument: """{"$param":"n"}""")!;
        Assert.NotEqual(before.Options, other.Options);
        Assert.Equal(before.Code, other.Code);
        Assert.Null(Digest(Source, "Nowhere"));
    }

    [Fact]
    public void A_stages_digest_is_of_its_options_and_of_no_file()
    {
        var file = _mill.Path("rows.csv");
        File.WriteAllText(file, "n\n1");
        var stage = new StageSpec { Name = "a", Operation = StageOperations.SqlRead, Options = JsonSerializer.Serialize(new { path = file, format = "csv" }) };
        var before = Digest(stage)!;
        File.WriteAllText(file, "n\n1\n2");
        Assert.Equal(before, Digest(stage with { Name = "b", Options = JsonSerializer.Serialize(new { format = "csv", path = file }) }));
        Assert.NotEqual(before, Digest(stage with { Options = JsonSerializer.Serialize(new { path = file, format = "parquet" }) }));
        Assert.NotEqual(before, Digest(stage with { Operation = StageOperations.ImportFile }));
        Assert.Null(before.Code);
    }
}
