namespace Gristmill.Engines.Features;

/// <summary>Errors in a plan.</summary>
internal static class PlanErrors
{
    public static GristmillException Option(TransformSpec spec, string option, string what, string hint) =>
        new GristmillException(ErrorCodes.Invalid, $"The transform {spec.Kind} of '{string.Join("', '", spec.Columns)}': its {option} {what}.", hint)
            .With("column", string.Join(",", spec.Columns));
}
