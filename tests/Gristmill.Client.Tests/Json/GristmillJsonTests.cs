using System.Collections.Immutable;
using System.Text.Json;

namespace Gristmill.Client.Json;

public sealed class GristmillJsonTests
{
    private static PipelineSpec Spec() => new()
    {
        Name = "flights",
        Parameters = [new ParameterSpec("train-until", ParameterType.Date, "\"2001-04-01\""), new ParameterSpec("must", ParameterType.Integer)],
        Stages =
        [
            new StageSpec { Name = "raw", Operation = StageOperations.SqlRead, Options = """{"path":"a.parquet"}""" },
            new StageSpec
            {
                Name = "rows",
                Operation = StageOperations.SqlQuery,
                Options = """{"query":"select * from \"raw\" where d < $p0","values":{"p0":{"$param":"train-until"}}}""",
                Inputs = ImmutableDictionary<string, OutputRef>.Empty.Add("raw", new OutputRef("raw")),
                When = new ConditionSpec("raw", "rows", ">", "0.5"),
                Limits = new StageLimits { Timeout = TimeSpan.FromMinutes(2) },
            },
        ],
    };

    [Fact]
    public void Options_defaults_and_conditions_are_plain_json_on_the_wire()
    {
        var json = JsonDocument.Parse(GristmillJson.Serialize(Spec())).RootElement;

        Assert.Equal("a.parquet", json.GetProperty("stages")[0].GetProperty("options").GetProperty("path").GetString());
        Assert.Equal("2001-04-01", json.GetProperty("parameters")[0].GetProperty("default").GetString());
        Assert.False(json.GetProperty("parameters")[1].TryGetProperty("default", out _));
        Assert.Equal("date", json.GetProperty("parameters")[0].GetProperty("type").GetString());
        Assert.Equal(0.5, json.GetProperty("stages")[1].GetProperty("when").GetProperty("value").GetDouble());
    }

    [Fact]
    public void A_spec_comes_back_as_it_went()
    {
        var back = GristmillJson.Deserialize<PipelineSpec>(GristmillJson.SerializeIndented(Spec()));

        Assert.Equal(GristmillJson.Canonical(Spec()), GristmillJson.Canonical(back));
        Assert.Equal(Spec().Stages[1].Options, back.Stages[1].Options);
        Assert.Equal(TimeSpan.FromMinutes(2), back.Stages[1].Limits.Timeout);
    }

    [Fact]
    public void What_a_document_leaves_out_has_its_default()
    {
        var spec = GristmillJson.Deserialize<PipelineSpec>("""{"name":"p","stages":[{"name":"a","operation":"core.noop"}]}""");

        Assert.Empty(spec.Parameters);
        Assert.Equal("{}", spec.Stages[0].Options);
        Assert.Equal(3, spec.Stages[0].Retry.MaxAttempts);
        Assert.Empty(spec.Stages[0].Inputs);
    }

    [Theory]
    [InlineData("""{"name":"p","stagez":[]}""", "stagez")]
    [InlineData("""{"name":"p","name":"q"}""", "name")]
    [InlineData("""{"stages":[]}""", "name")]
    [InlineData("""{"name":null}""", "name")]
    [InlineData("""{"name":"p","parameters":[{"name":"a","type":"colour"}]}""", "type")]
    [InlineData("""{"name":"p","stages":""", "stages")]
    [InlineData("null", "null")]
    public void A_document_that_does_not_fit_is_refused(string json, string named)
    {
        var error = Assert.Throws<GristmillException>(() => GristmillJson.Deserialize<PipelineSpec>(json));

        Assert.Equal(ErrorCodes.Invalid, error.Code);
        Assert.Contains(named, error.Message, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void An_answer_of_a_newer_server_is_read_all_the_same()
    {
        var view = JsonSerializer.Deserialize<RunSummary>(
            """{"id":"1","pipeline":"p","status":"succeeded","created":"2026-01-01T00:00:00Z","carbon":3}""", GristmillJson.Tolerant);

        Assert.Equal(RunStatus.Succeeded, view!.Status);
    }

    [Fact]
    public void Parameter_values_are_plain_json_on_the_wire()
    {
        var request = new RunRequest { Parameters = ImmutableDictionary<string, string>.Empty.Add("b", "5").Add("a", "\"x\"") };

        Assert.Equal("""{"parameters":{"a":"x","b":5}}""", GristmillJson.Serialize(request));
        Assert.Equal("5", GristmillJson.Deserialize<RunRequest>("""{"parameters":{"b": 5}}""").Parameters["b"]);
    }

    [Fact]
    public void An_error_with_details_comes_back()
    {
        var error = new GristmillException(ErrorCodes.Sql, "no such column 'delya'").With("position", "12").Error;

        var back = GristmillJson.Deserialize<ErrorInfo>(GristmillJson.Serialize(error));

        Assert.Equal("12", back.Details["position"]);
    }

    [Fact]
    public void The_canonical_form_sorts_keys_and_keeps_numbers() =>
        Assert.Equal("""{"a":[1.50,{"x":true,"y":null}],"b":"é<'"}""", GristmillJson.CanonicalText("""{ "b": "\u00e9<'", "a": [1.50, {"y":null, "x":true}] }"""));

    [Fact]
    public void The_version_is_that_of_what_the_spec_says_however_it_is_written()
    {
        var rewritten = GristmillJson.Deserialize<PipelineSpec>(GristmillJson.SerializeIndented(Spec()));
        var other = Spec() with { Description = "x" };

        Assert.Matches("^[0-9a-f]{16}$", PipelineVersion.Of(Spec()));
        Assert.Equal(PipelineVersion.Of(Spec()), PipelineVersion.Of(rewritten));
        Assert.NotEqual(PipelineVersion.Of(Spec()), PipelineVersion.Of(other));
    }
}
