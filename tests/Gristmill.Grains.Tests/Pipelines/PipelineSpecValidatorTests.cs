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
                Stage("!") with { Options = "[1]", When = new ConditionSpec("a", "", "~", "[1]") },
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
            "names no metric", "the operator '~'", "neither text, a number", "retry allows 0 attempts", "retry waits",
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
    public void One_mistake_in_thousands_of_stages_does_not_make_an_error_of_megabytes()
    {
        var spec = Pipeline([.. Enumerable.Range(0, 5_000).Select(static i => Stage($"s{i}", "missing"))]);
        var error = Assert.Throws<GristmillException>(() => PipelineSpecValidator.ThrowIfInvalid(spec)).Error;
        Assert.Contains("; and 4980 more", error.Message, StringComparison.Ordinal);
        Assert.Equal(100, error.Details["problems"].Split('\n').Length);
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

    [Fact]
    public void Options_without_placeholders_are_passed_on_as_they_are()
    {
        const string options = """{ "b" : 1.50, "a" : "§" }""";
        Assert.Equal(options, OptionsTemplate.Fill(options, static (OptionsReference _, out System.Text.Json.Nodes.JsonNode? literal) => (literal = null) is null));
    }

    [Fact]
    public void A_metric_that_json_cannot_hold_is_an_error() => Assert.Equal(
        ErrorCodes.BadValue,
        Assert.Throws<GristmillException>(() => OptionsTemplate.Number(new OptionsReference(null, "a", "m"), double.NaN)).Code);

    [Fact]
    public void Loops_joins_and_conditions_are_checked()
    {
        var each = Stage("each") with { Operation = StageOperations.ForEach, Options = """{"items":[1,2]}""" };
        var body = Stage("body") with { Loop = "each" };
        Assert.Empty(PipelineSpecValidator.Validate(Pipeline(each, body, Stage("all", "body") with { Operation = StageOperations.Code })));
        Refused("no earlier stage of operation", Stage("a") with { Loop = "nowhere" });
        Refused("no earlier stage of operation", Stage("a"), Stage("b") with { Loop = "a" });
        Refused("for every item, which core.noop cannot", each, body, Stage("all", "body"));
        Refused("the loop it is in", each, Stage("body", "each") with { Loop = "each" });
        Refused("which the stage is not in", each, body, Stage("x") with { Options = """{"a":{"$item":"each"}}""" });
        Refused("has one for each item", each, body, Stage("x") with { When = new ConditionSpec("body", "n", ">", "1") });
        Refused("neither a list nor", Stage("e") with { Operation = StageOperations.ForEach, Options = """{"items":5}""" });
        Refused("parallelism is -1", Stage("e") with { Operation = StageOperations.ForEach, Options = """{"items":[],"parallelism":-1}""" });
        Refused("allowFailures is 2", Stage("e") with { Operation = StageOperations.ForEach, Options = """{"items":[],"allowFailures":2}""" });
        Refused("could not be mapped", Stage("e") with { Operation = StageOperations.ForEach, Options = """{"items":[],"bogus":2}""" });
        Refused("joins no branches", Stage("j") with { Operation = StageOperations.OneOf });
        Refused("not called 0 to 0", Stage("a"), Stage("j", "a") with { Operation = StageOperations.OneOf });
        Refused("cannot be in a loop", each, body with { OnExit = true });
        Refused("runs when all others are over", Stage("a") with { OnExit = true }, Stage("b", "a"));
        Refused("is not one of", Stage("a") with { When = new ConditionSpec { All = [] } });
        Refused("is not one of", Stage("a"), Stage("b") with { When = new ConditionSpec("a", "n", ">", "1") { Not = new ConditionSpec("a", "n", ">", "1") } });
        Refused("compares with nothing", Stage("a"), Stage("b") with { When = new ConditionSpec { Not = new ConditionSpec("a", "n", ">") } });
        Refused("'nobody'", Stage("a") with { When = new ConditionSpec(Operator: "==", Value: "1") { Left = """{"$param":"nobody"}""" } });
        Refused("only stages of one's own code", Stage("a") with { Options = """{"x":{"$secret":"s"}}""" });
        Refused("retry multiplies", Stage("a") with { Retry = new RetryPolicy { Factor = 0.5 } });

        static void Refused(string problem, params StageSpec[] stages) => Assert.Contains(PipelineSpecValidator.Validate(Pipeline(stages)), found => found.Contains(problem, StringComparison.Ordinal));
    }

    [Fact]
    public void Conditions_nested_without_end_are_refused_and_do_not_overflow()
    {
        var condition = new ConditionSpec("a", "n", ">", "1");
        for (var i = 0; i < 100_000; i++)
        {
            condition = new ConditionSpec { Not = condition };
        }

        Assert.Contains("1000 parts", Assert.Single(PipelineSpecValidator.Validate(Pipeline(Stage("a"), Stage("b") with { When = condition }))), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ParameterType.Integer, "0", "1", null, "0 is not from 1 to 9"), InlineData(ParameterType.Integer, "9", "1", null, null)]
    [InlineData(ParameterType.Date, "\"2001-01-01\"", "\"2001-02-01\"", null, "is not"), InlineData(ParameterType.String, "\"b\"", null, """["a","c"]""", "not one of")]
    [InlineData(ParameterType.IntegerList, "[1,10]", "1", null, "10 is not from 1 to 9"), InlineData(ParameterType.IntegerList, "[1,\"x\"]", null, null, "is not a list of integers")]
    [InlineData(ParameterType.StringList, """["a","a"]""", null, """["a","c"]""", null), InlineData(ParameterType.Number, "1.0", null, "[1,2]", null)]
    public void Values_are_checked_by_range_and_choice(ParameterType type, string value, string? min, string? choices, string? problem)
    {
        var max = type is ParameterType.Integer or ParameterType.IntegerList && min is not null ? "9" : type == ParameterType.Date ? "\"2001-12-31\"" : null;
        var parameter = new ParameterSpec("p", type) { Min = min, Max = max, Choices = choices };
        Assert.Null(ParameterRange.DefinitionProblem(parameter));

        var found = ParameterValues.Problem(parameter, value);

        if (problem is null)
        {
            Assert.Null(found);
        }
        else
        {
            Assert.Contains(problem, found, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Ranges_that_cannot_be_are_refused()
    {
        Assert.Contains("is above its max", Problem(new("p", ParameterType.Integer) { Min = "2", Max = "1" }), StringComparison.Ordinal);
        Assert.Contains("no least or greatest", Problem(new("p", ParameterType.String) { Min = "\"a\"" }), StringComparison.Ordinal);
        Assert.Contains("its min \"a\" is not", Problem(new("p", ParameterType.Integer) { Min = "\"a\"" }), StringComparison.Ordinal);
        Assert.Contains("are no list", Problem(new("p", ParameterType.Integer) { Choices = "[]" }), StringComparison.Ordinal);
        Assert.Contains("its default 5 is not 3 or less", Problem(new("p", ParameterType.Integer, "5") { Max = "3" }), StringComparison.Ordinal);

        static string Problem(ParameterSpec parameter) => Assert.Single(PipelineSpecValidator.Validate(Pipeline(Stage("a")) with { Parameters = [parameter] }));
    }
}
