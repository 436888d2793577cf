using Apache.Arrow.Types;
using static Gristmill.Engines.Tables;

namespace Gristmill.Engines;

public sealed class FeaturePlanTests
{
    private static readonly HashSet<string> None = [];

    [Fact]
    public void Numbers_are_imputed_and_text_is_a_category()
    {
        var schema = Of(("x", Doubles(1)), ("h", Longs(1)), ("b", Booleans(true)), ("o", Strings("a")), ("c", Coded(["a"], 0)), ("y", Booleans(true))).Schema;
        var plan = FeaturePlan.Infer(schema, new HashSet<string> { "y" }, new HashSet<string> { "h" }, standardise: false);
        Assert.Equal(
            [(TransformKind.Impute, "x"), (TransformKind.Category, "h"), (TransformKind.Impute, "b"), (TransformKind.Category, "o"), (TransformKind.Category, "c")],
            plan.Transforms.Select(t => (t.Kind, t.Columns[0])));
        Assert.Equal(TransformKind.Standardise, FeaturePlan.Infer(schema, new HashSet<string> { "y" }, None, standardise: true).Transforms[0].Kind);
    }

    [Fact]
    public void Timestamps_are_refused_with_a_hint()
    {
        var schema = Of(("x", Doubles(1)), ("date", Timestamps(TimeUnit.Second, DateTimeOffset.UnixEpoch))).Schema;
        var error = Assert.Throws<GristmillException>(() => FeaturePlan.Infer(schema, None, None, false));
        Assert.Equal(ErrorCodes.TypeMismatch, error.Code);
        Assert.Contains("'date'", error.Message, StringComparison.Ordinal);
        Assert.Contains("DateParts", error.Error.Hint, StringComparison.Ordinal);
        Assert.Single(FeaturePlan.Infer(schema, new HashSet<string> { "date" }, None, false).Transforms);
    }

    [Fact]
    public void Unknown_categories_and_empty_plans_are_refused()
    {
        var schema = Of(("x", Doubles(1))).Schema;
        Assert.Equal(ErrorCodes.UnknownColumn, Assert.Throws<GristmillException>(() => FeaturePlan.Infer(schema, None, new HashSet<string> { "oo" }, false)).Code);
        Assert.Equal(ErrorCodes.Invalid, Assert.Throws<GristmillException>(() => FeaturePlan.Infer(schema, new HashSet<string> { "x" }, None, false)).Code);
    }
}
