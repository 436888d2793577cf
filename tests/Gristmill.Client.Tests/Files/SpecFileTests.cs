using System.Text;

namespace Gristmill;

public sealed class SpecFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gristmill-spec-").FullName;

    private static PipelineSpec Spec => Pipeline.Create("flights", p =>
    {
        var until = p.Parameter("until", new DateOnly(2001, 4, 1));
        var word = p.Parameter("word", "no");
        var raw = p.Read.Csv("/data/*.csv");
        var rows = p.Sql($"""
            select *, delay > {15} as "late"
            from {raw}
            where word = {word} and ratio > {1.50} and day < {until}
            """);
        var trees = p.Train.LightGbm(rows, label: "late", iterations: 5).With(attempts: 2, backoff: TimeSpan.FromSeconds(90));
        p.Register("delay", trees, when: p.Evaluate(trees, over: rows)["auc"] > 0.66);
    }, "Says \"no\": yes\tor on, äöü 😀").Spec;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("spec.json")]
    [InlineData("spec.yaml")]
    [InlineData("spec.YML")]
    public void What_is_written_reads_back_as_the_same_version(string name)
    {
        var path = Path.Combine(_folder, name);
        SpecFile.Write(Spec, path);

        var back = SpecFile.Read(path);

        Assert.Equal(PipelineVersion.Of(Spec), PipelineVersion.Of(back));
        Assert.Equal(GristmillJson.Canonical(Spec), GristmillJson.Canonical(back));
    }

    [Fact]
    public void Yaml_shows_a_query_as_a_block() => Assert.Contains("query: |-\n", SpecFile.ToYaml(Spec), StringComparison.Ordinal);

    [Fact]
    public void Yaml_by_hand_is_a_spec()
    {
        var spec = SpecFile.FromYaml("""
            name: by-hand   # a comment
            parameters:
              - {name: answer, type: string, default: no}
            stages:
              - name: raw
                operation: sql.read
                options: {path: /data/x.csv, format: csv}
              - name: rows
                operation: sql.query
                inputs: {raw: {stage: raw}}
                options:
                  query: select * from raw where a > $value
                  values: {value: 1e3}
            """);

        Assert.Equal("\"no\"", spec.Parameters[0].Default);
        Assert.Equal("""{"query":"select * from raw where a > $value","values":{"value":1e3}}""", GristmillJson.CanonicalText(spec.Stages[1].Options));
    }

    [Theory]
    [InlineData("""{"name":"x","stages":[{"name":"a","operation":"core.noop","optoins":{}}]}""", "'$.stages[0].optoins' is unknown", "'options'", "$.stages[0].optoins")]
    [InlineData("""{"name":"x","stagse":[]}""", "'$.stagse' is unknown", "'stages'", "$.stagse")]
    [InlineData("""{"name":"x","zzzzzzzz":[]}""", "'$.zzzzzzzz' is unknown", "Known are", "$.zzzzzzzz")]
    [InlineData("""{"name":"x","stages":[{"name":"a","operation":"core.noop","inputs":{"b":{"stage":"c","outptu":"d"}}}]}""", "'$.stages[0].inputs.b.outptu'", "'output'", "$.stages[0].inputs.b.outptu")]
    [InlineData("""{"name":"x","stages":[{"name":"a","operation":"core.noop","retry":{"maxAttemps":3}}]}""", "'$.stages[0].retry.maxAttemps'", "'maxAttempts'", "$.stages[0].retry.maxAttemps")]
    [InlineData("""{"name":"x","name":"y","stages":[]}""", "'$.name' is given twice", "Keep one", "$.name")]
    [InlineData("""{"name":"x","stages":[{"name":"a","operation":"core.noop","inputs":{"b":{"stage":"c"},"b":{"stage":"d"}}}]}""", "'$.stages[0].inputs.b' is given twice", "Keep one", "$.stages[0].inputs.b")]
    public void A_member_that_is_wrong_is_named_with_its_path(string json, string message, string hint, string path)
    {
        var thrown = Assert.Throws<GristmillException>(() => SpecFile.FromJson(Encoding.UTF8.GetBytes(json)));

        Assert.Equal(ErrorCodes.Invalid, thrown.Code);
        Assert.Contains(message, thrown.Message, StringComparison.Ordinal);
        Assert.Contains(hint, thrown.Error.Hint!, StringComparison.Ordinal);
        Assert.Equal(path, thrown.Error.Details["path"]);
    }

    [Theory]
    [InlineData("""{"name":"x","stages":[{"name":"a","operation":"core.noop","after":["b"]},{"name":"b","operation":"core.noop","after":["a"]}]}""")]
    [InlineData("""{"name":"x","stages":[{"name":"a","operation":"core.noop","after":["a"]}]}""")]
    [InlineData("""{"name":"x","stages":[{"name":"a","operation":"core.noop"},{"name":"a","operation":"core.noop"}]}""")]
    [InlineData("""{"name":"x y","stages":[{"name":"a","operation":"core.noop"}]}""")]
    [InlineData("""{"name":"x","stages":"a"}""")]
    [InlineData("""{"stages":[]}""")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("")]
    [InlineData("{\"name\":\"x\"")]
    public void What_is_no_pipeline_is_refused(string json) =>
        Assert.Equal(ErrorCodes.Invalid, Assert.Throws<GristmillException>(() => SpecFile.FromJson(Encoding.UTF8.GetBytes(json))).Code);

    [Fact]
    public void Deep_nesting_is_refused()
    {
        var deep = string.Concat(Enumerable.Repeat("[", 100_000));

        Assert.Equal(ErrorCodes.Invalid, Assert.Throws<GristmillException>(() => SpecFile.FromJson(Encoding.UTF8.GetBytes(deep))).Code);
        Assert.Equal(ErrorCodes.Invalid, Assert.Throws<GristmillException>(() => SpecFile.FromYaml(deep)).Code);
    }

    [Fact]
    public void Files_that_are_none_are_refused()
    {
        var large = Path.Combine(_folder, "large.json");
        using (var file = File.Create(large))
        {
            file.SetLength(SpecFile.MaxBytes + 1);
        }

        Assert.Equal(ErrorCodes.TooLarge, Assert.Throws<GristmillException>(() => SpecFile.Read(large)).Code);
        Assert.Equal(ErrorCodes.FileNotFound, Assert.Throws<GristmillException>(() => SpecFile.Read(Path.Combine(_folder, "none.json"))).Code);
        Assert.Equal(ErrorCodes.Invalid, Assert.Throws<GristmillException>(() => SpecFile.Write(Spec, Path.Combine(_folder, "spec.txt"))).Code);
    }
}
