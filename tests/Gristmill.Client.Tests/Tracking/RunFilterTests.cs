using System.Globalization;

namespace Gristmill.Client;

public sealed class RunFilterTests
{
    [Fact]
    public void A_filter_is_read_as_it_is_meant()
    {
        var all = Assert.IsType<AllOf>(RunFilter.Parse("params.epochs = '8' AND metrics.`recall at 5` > -1.5e-3 and not (tags.team in (\"x\", 'it''s') or status != 'Failed')"));

        Assert.Equal(3, all.Terms.Length);
        Assert.Equal(Term(RunFieldKind.Parameter, "epochs", RunComparison.Equal, "8"), Text(all.Terms[0]));
        Assert.Equal(Term(RunFieldKind.Metric, "recall at 5", RunComparison.Greater, -0.0015), Text(all.Terms[1]));
        var any = Assert.IsType<AnyOf>(Assert.IsType<NotTrue>(all.Terms[2]).Term);
        Assert.Equal(Term(RunFieldKind.Tag, "team", RunComparison.In, "x", "it's"), Text(any.Terms[0]));
        Assert.Equal(Term(RunFieldKind.Attribute, "status", RunComparison.NotEqual, 3.0), Text(any.Terms[1]));
    }

    [Fact]
    public void Partition_and_trigger_are_texts()
    {
        var all = Assert.IsType<AllOf>(RunFilter.Parse("partition >= \"2001-04\" and trigger like 'night%' and attributes.trigger in ('a', 'b') and partition is null"));

        Assert.Equal(Term(RunFieldKind.Attribute, "partition", RunComparison.GreaterOrEqual, "2001-04"), Text(all.Terms[0]));
        Assert.Equal(Term(RunFieldKind.Attribute, "trigger", RunComparison.Like, "night%"), Text(all.Terms[1]));
        Assert.Equal(Term(RunFieldKind.Attribute, "trigger", RunComparison.In, "a", "b"), Text(all.Terms[2]));
        Assert.Equal(Term(RunFieldKind.Attribute, "partition", RunComparison.Missing), Text(all.Terms[3]));
    }

    [Theory]
    [InlineData("partition = 2001", 13, "quotes")]
    [InlineData("metrics.auc", 12, "comparison")]
    [InlineData("metrics.auc >", 14, "value")]
    [InlineData("metrics.auc > 'high'", 15, "number")]
    [InlineData("metric", 1, "name")]
    [InlineData("metrics. > 1", 9, "name")]
    [InlineData("speed > 1", 1, "speed")]
    [InlineData("params.a = 'x", 12, "closed")]
    [InlineData("params.a = 'x' params.b = 'y'", 16, "'and' or 'or'")]
    [InlineData("(params.a = 'x'", 16, ")")]
    [InlineData("params.a = 'x')", 15, "')'")]
    [InlineData("params.a ~ 'x'", 10, "'~'")]
    [InlineData("params.a == ", 13, "value")]
    [InlineData("status = 'done'", 10, "succeeded")]
    [InlineData("status = 3", 10, "quotes")]
    [InlineData("status = '3'", 10, "status")]
    [InlineData("created > 'yesterday'", 11, "instant")]
    [InlineData("metrics.auc like 'x'", 18, "text")]
    [InlineData("params.a in 'x'", 13, "(")]
    [InlineData("params.a is 3", 13, "null")]
    [InlineData("metrics.auc > nan", 15, "nan")]
    [InlineData("; drop table run", 1, "';'")]
    [InlineData("params.a = 'x'; drop table run", 15, "';'")]
    [InlineData("params.a = 'x' -- comment", 16, "'-'")]
    public void What_is_wrong_is_told_with_its_place(string filter, int position, string why)
    {
        var error = Assert.Throws<GristmillException>(() => RunFilter.Parse(filter));

        Assert.Equal(ErrorCodes.Invalid, error.Code);
        Assert.Contains(why, error.Message, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(position.ToString(CultureInfo.InvariantCulture), error.Error.Details["position"]);
    }

    [Fact]
    public void Size_and_depth_are_bounded()
    {
        foreach (var filter in new[]
        {
            new string('(', 2000), string.Concat(Enumerable.Repeat("not ", 1000)) + "metrics.a = 1", string.Join(" and ", Enumerable.Repeat("metrics.a=1", 65)),
            $"params.a in ({string.Join(',', Enumerable.Repeat("1", 65))})", new string('a', RunFilter.MaxLength + 1),
        })
        {
            Assert.Equal(ErrorCodes.Invalid, Assert.Throws<GristmillException>(() => RunFilter.Parse(filter)).Code);
        }
    }

    [Fact]
    public void Any_text_is_read_or_refused_and_nothing_else()
    {
        string[] pieces = ["params", "metrics", "tags", "status", ".", "a", "`x y`", "=", "!=", "<", ">=", "like", "in", "not", "is", "null", "and", "or", "(", ")", ",", "'t'", "\"u\"", "1", "-2e3", "inf", "'", "`", "\"", "\0", "é", "\ud800", " ", "  ", "--", "/*", ";"];
        var random = new Random(11);
        for (var i = 0; i < 50_000; i++)
        {
            var text = string.Join(random.Next(2) == 0 ? " " : "", Enumerable.Range(0, random.Next(1, 14)).Select(_ => pieces[random.Next(pieces.Length)]));
            try
            {
                RunFilter.Parse(text);
                RunOrder.Parse(text);
            }
            catch (GristmillException e)
            {
                Assert.True(e.Code == ErrorCodes.Invalid, text);
                Assert.InRange(int.Parse(e.Error.Details["position"], CultureInfo.InvariantCulture), 1, text.Length + 1);
            }
        }
    }

    [Theory]
    [InlineData("metrics.auc desc", "metrics.auc", true)]
    [InlineData("params.`a b` ASC", "params.a b", false)]
    [InlineData("attributes.start_time", "created", false)]
    [InlineData(" ", "id", true)]
    public void Orders_are_read(string text, string field, bool descending)
    {
        var order = RunOrder.Parse(text);
        Assert.Equal((field, descending), (order.Field.ToString(), order.Descending));
    }

    [Theory]
    [InlineData("metrics.auc downwards")]
    [InlineData("metrics.auc desc, created")]
    [InlineData("1")]
    [InlineData("desc desc")]
    public void Orders_that_are_none_are_refused(string text) => Assert.Equal(ErrorCodes.Invalid, Assert.Throws<GristmillException>(() => RunOrder.Parse(text)).Code);

    private static string Term(RunFieldKind kind, string name, RunComparison comparison, params object[] values) => Text(new RunTerm(new RunField(kind, name), comparison, [.. values]));

    private static string Text(RunCondition condition) =>
        condition is RunTerm term ? string.Create(CultureInfo.InvariantCulture, $"{term.Field} {term.Comparison} {string.Join('|', term.Values.Select(v => $"{v.GetType().Name}:{v}"))}") : condition.ToString()!;
}
