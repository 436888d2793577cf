using System.Collections.Immutable;
using static Gristmill.Grains.Testing.Specs;

namespace Gristmill.Grains.Pipelines;

public sealed class PipelineSpecValidatorTests
{
    [Fact]
    public void A_spec_that_uses_everything_rightly_has_no_problems() => Assert.Empty(PipelineSpecValidator.Validate(Pipeline(
        Stage("a") with { Options = """{"x":{"$param":"p"}}""", Limits = new StageLimits { Threads = 2, MemoryMiB = 100, Timeout = TimeSpan.FromHours(1) } },
        Stage("b", "a") with
        {
            Options = """{"y":[{"$value":{"stage":"a","metric":"m"}}]}""",
            When = new ConditionSpec("a", "m", ">=", """{"$param":"p"}"""),
            After = ["a"],
        }) with
    {
        Parameters = [new ParameterSpec("p", ParameterType.Number, "1.5")],
    }));

    [Fact]
    public void Every_problem_is_reported_at_once()
    {
        var spec = new PipelineSpec
        {
            Name = "not a name",
            Parameters = [new("p", ParameterType.Integer, "1.5"), new("p", ParameterType.String, null), new("-", (ParameterType)77, null)],
            Stages =
            [
                Stage("a", "later") with { Operation = "noop" },
                Stage("a"),
                Stage("later", "missing", "later") with { After = ["nowhere"], Options = """{"x":{"$param":"unknown"},"y":{"$value":{"stage":"later"}}}""" },
                Stage("!") with { Options = "[1]", When = new ConditionSpec("a", "", "~", "\"text\"") },
                Stage("z") with
                {
                    Options = """{"x":{"$param":"unknown"}}""",
                    Retry = new RetryPolicy { MaxAttempts = 0, Backoff = TimeSpan.FromDays(2) },
                    Limits = new StageLimits { Threads = -1, Timeout = TimeSpan.Zero },
                },
            ],
        };

        var error = Assert.Throws<GristmillException>(() => PipelineSpecValidator.ThrowIfInvalid(spec));

        Assert.Equal(ErrorCodes.Invalid, error.Code);
        var problems = error.Error.Details["problems"];
        foreach (var part in new[]
        {
            "'not a name' is not a pipeline name", "parameter 'p': its default 1.5 is not an integer", "'p' is defined twice",
            "'-' is not a parameter name", "unknown type 77", "'noop' is not an operation",
            "input 'later' refers to stage 'later', which comes later", "another stage has this name",
            "input 'missing' refers to stage 'missing', which does not exist", "input 'later' refers to the stage itself",
            "'after' refers to stage 'nowhere'", "'$value' takes", "this is not a stage name", "not an object",
            "names no metric", "the operator '~'", "neither a number", "retry allows 0 attempts", "retry waits",
            "neither can be negative", "a timeout of 00:00:00", "names the parameter 'unknown'",
        })
        {
            Assert.Contains(part, problems, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Nulls_from_outside_are_problems_and_not_crashes()
    {
        Assert.Single(PipelineSpecValidator.Validate(Pipeline(Stage("a") with { Retry = null! })));
        Assert.Single(PipelineSpecValidator.Validate(Pipeline(Stage("a"), null!)));
        Assert.Single(PipelineSpecValidator.Validate(Pipeline(Stage("a")) with { Parameters = [null!] }));
        Assert.NotEmpty(PipelineSpecValidator.Validate(Pipeline(Stage("a") with { When = new ConditionSpec(null!, null!, null!, null!) })));
        Assert.NotEmpty(PipelineSpecValidator.Validate(Pipeline(Stage("a") with { Operation = null!, Options = null! })));
        Assert.Single(PipelineSpecValidator.Validate(new PipelineSpec { Name = "a", Stages = default, Parameters = default }));
    }

    [Fact]
    public void A_pipeline_without_stages_is_refused() =>
        Assert.Contains("no stages", Assert.Single(PipelineSpecValidator.Validate(Pipeline())), StringComparison.Ordinal);

    [Theory]
    [InlineData("a", true), InlineData("A.b-c_1", true), InlineData("0", true), InlineData("", false), InlineData(".a", false)]
    [InlineData("a b", false), InlineData("a/b", false), InlineData("ä", false), InlineData("a\n", false), InlineData(null, false)]
    public void Names_follow_the_rule(string? name, bool valid) => Assert.Equal(valid, GristmillName.IsValid(name));

    [Fact]
    public void Names_end_at_64_characters()
    {
        Assert.True(GristmillName.IsValid(new string('a', 64)));
        Assert.False(GristmillName.IsValid(new string('a', 65)));
    }

    [Theory]
    [InlineData(ParameterType.String, "\"x\"", true), InlineData(ParameterType.String, "x", false), InlineData(ParameterType.String, "5", false)]
    [InlineData(ParameterType.Integer, "9223372036854775807", true), InlineData(ParameterType.Integer, "9223372036854775808", false)]
    [InlineData(ParameterType.Integer, "\"5\"", false), InlineData(ParameterType.Number, "1e300", true), InlineData(ParameterType.Number, "1e999", false)]
    [InlineData(ParameterType.Boolean, "true", true), InlineData(ParameterType.Boolean, "1", false), InlineData(ParameterType.Date, "\"2001-04-01\"", true)]
    [InlineData(ParameterType.Date, "\"2001-02-30\"", false), InlineData(ParameterType.Date, "\"01.04.2001\"", false)]
    [InlineData(ParameterType.Timestamp, "\"2001-04-01T00:00:00Z\"", true), InlineData(ParameterType.Timestamp, "\"2001-04-01T00:00:00+02:00\"", true)]
    [InlineData(ParameterType.Timestamp, "\"2001-04-01T00:00:00\"", false), InlineData(ParameterType.Timestamp, "null", false)]
    public void Values_are_checked_by_type(ParameterType type, string json, bool fits) => Assert.Equal(fits, ParameterValues.Problem(type, json) is null);

    [Fact]
    public void Parameters_take_defaults_and_refuse_what_is_wrong_all_at_once()
    {
        var spec = Pipeline(Stage("a")) with
        {
            Parameters = [new("a", ParameterType.Integer, "1"), new("b", ParameterType.Boolean, null), new("c", ParameterType.String, null)],
        };
        var right = ParameterValues.Resolve(spec, new Dictionary<string, string> { ["b"] = "true", ["c"] = "\"x\"" });
        Assert.Equal(["a=1", "b=true", "c=\"x\""], right.Select(static p => $"{p.Key}={p.Value}").Order());

        var error = Assert.Throws<GristmillException>(() => ParameterValues.Resolve(spec, new Dictionary<string, string> { ["b"] = "5", ["d"] = "1" }));
        foreach (var part in new[] { "'b': 5 is not true or false", "'c' (string) has no default", "no parameter 'd'; known: a, b, c" })
        {
            Assert.Contains(part, error.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(">", "1", 2, true), InlineData(">", "2", 2, false), InlineData(">=", "2", 2, true), InlineData("<", "2", 1, true)]
    [InlineData("<=", "2", 3, false), InlineData("==", "2", 2, true), InlineData("!=", "2", 2, false), InlineData("==", "true", 1, true)]
    [InlineData(">", "0", double.NaN, false), InlineData("!=", "0", double.NaN, true), InlineData(">", """{"$param":"p"}""", 8, true)]
    public void Conditions_compare(string sign, string value, double metric, bool holds) => Assert.Equal(
        holds,
        ConditionValue.Holds(new ConditionSpec("s", "m", sign, value), metric, ImmutableDictionary<string, string>.Empty.Add("p", "7")));

    [Fact]
    public void A_condition_on_a_parameter_that_is_no_number_says_so()
    {
        var condition = new ConditionSpec("s", "m", ">", """{"$param":"p"}""");
        var values = ImmutableDictionary<string, string>.Empty.Add("p", "\"text\"");

        Assert.Contains("\"text\"", Assert.Throws<GristmillException>(() => ConditionValue.Holds(condition, 1, values)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_without_placeholders_are_passed_on_as_they_are()
    {
        const string options = """{ "b" : 1.50, "a" : "§" }""";
        Assert.Equal(options, OptionsTemplate.Fill(options, ImmutableDictionary<string, string>.Empty, static (_, _) => 0));
    }

    [Fact]
    public void A_metric_that_json_cannot_hold_is_an_error() => Assert.Equal(
        ErrorCodes.BadValue,
        Assert.Throws<GristmillException>(() => OptionsTemplate.Fill(
            """{"x":{"$value":{"stage":"a","metric":"m"}}}""", ImmutableDictionary<string, string>.Empty, static (_, _) => double.NaN)).Code);
}
