using System.Text.Json;

namespace Gristmill.Grains.Pipelines;

public sealed class ConditionLogicTests
{
    [Theory]
    [InlineData(">", "1", 2, true), InlineData(">", "2", 2, false), InlineData(">=", "2", 2, true), InlineData("<", "2", 1, true)]
    [InlineData("<=", "2", 3, false), InlineData("==", "2", 2, true), InlineData("!=", "2", 2, false), InlineData("==", "true", 1, true)]
    [InlineData(">", "0", double.NaN, false), InlineData("!=", "0", double.NaN, true), InlineData(">", """{"$param":"p"}""", 8, true)]
    public void Numbers_compare(string sign, string value, double metric, bool holds) =>
        Assert.Equal(holds, Evaluate(new ConditionSpec("s", "m", sign, value), metric, "7").Holds);

    [Theory]
    [InlineData("==", "\"full\"", true), InlineData("!=", "\"full\"", false), InlineData("<", "\"g\"", true), InlineData(">=", "\"NaN\"", true)]
    public void Texts_compare_by_their_characters(string sign, string value, bool holds) =>
        Assert.Equal(holds, Evaluate(new ConditionSpec(Operator: sign, Value: value) { Left = """{"$param":"p"}""" }, 0, "\"full\"").Holds);

    [Fact]
    public void A_number_does_not_compare_with_a_text_and_says_so() => Assert.Contains(
        "\"text\"", Assert.Throws<GristmillException>(() => Evaluate(new ConditionSpec("s", "m", ">", """{"$param":"p"}"""), 1, "\"text\"")).Message, StringComparison.Ordinal);

    [Fact]
    public void What_is_unknown_decides_only_where_nothing_else_does()
    {
        var unknown = new ConditionSpec("gone", "m", ">", "1");
        var (yes, no) = (new ConditionSpec("s", "m", "==", "5"), new ConditionSpec("s", "m", "!=", "5"));

        Assert.Null(Of(unknown).Holds);
        Assert.Null(Of(new ConditionSpec { Not = unknown }).Holds);
        Assert.Null(Of(new ConditionSpec { All = [yes, unknown] }).Holds);
        Assert.False(Of(new ConditionSpec { All = [unknown, no] }).Holds);
        Assert.True(Of(new ConditionSpec { Any = [unknown, yes] }).Holds);
        Assert.Null(Of(new ConditionSpec { Any = [unknown, no] }).Holds);
        Assert.True(Of(new ConditionSpec { All = [yes, new ConditionSpec { Not = no }] }).Holds);
        Assert.Contains("'gone' did not succeed", Of(new ConditionSpec { All = [yes, unknown] }).Why, StringComparison.Ordinal);

        static ConditionResult Of(ConditionSpec condition) => ConditionLogicTests.Evaluate(condition, 5, "1");
    }

    [Fact]
    public void A_condition_reads_as_it_was_meant() => Assert.Equal(
        "best.score > 0.66 and not (mode == \"dry\" or each.name != \"x\")",
        ConditionLogic.Text(new ConditionSpec
        {
            All =
            [
                new ConditionSpec("best", "score", ">", "0.66"),
                new ConditionSpec
                {
                    Not = new ConditionSpec
                    {
                        Any =
                        [
                            new ConditionSpec(Operator: "==", Value: "\"dry\"") { Left = """{"$param":"mode"}""" },
                            new ConditionSpec(Operator: "!=", Value: "\"x\"") { Left = """{"$item":{"loop":"each","path":"name"}}""" },
                        ],
                    },
                },
            ],
        }));

    private static ConditionResult Evaluate(ConditionSpec condition, double metric, string parameter) => ConditionLogic.Evaluate(
        condition,
        reference => reference.Stage == "gone" ? null
            : reference.Parameter is not null ? ConditionOperand.Of(JsonDocument.Parse(parameter).RootElement)
            : ConditionOperand.Of(metric));
}
