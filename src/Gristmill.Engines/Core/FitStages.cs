using System.Collections.Immutable;

namespace Gristmill.Engines.Core;

/// <summary>core.fit and core.apply.</summary>
internal static class FitStages
{
    /// <summary>Engine name of a package that holds fitted transforms alone.</summary>
    private const string TransformsEngine = "transforms";

    public static StageOutputs Fit(StageContext context, CancellationToken cancellationToken)
    {
        var options = context.Options<FitOptions>();
        using var data = context.Dataset("data");
        var exclude = new HashSet<string>(options.Exclude ?? [], StringComparer.Ordinal);
        if (options.Label is not null)
        {
            exclude.Add(options.Label);
        }

        var plan = options.Plan ?? FeaturePlan.Infer(data.Schema, exclude, new HashSet<string>(options.Categorical ?? [], StringComparer.Ordinal), options.Standardise);
        context.Report(0, "fitting transforms");
        var encoder = FeatureEncoder.Fit(plan, data.Batches, options.Label, options.Task, context.Threads, cancellationToken);
        var progress = new ShareReporter(context, "encoding", 0.5);
        var encoded = encoder.EncodeTo(context.Objects, data.Batches, encoder.Label, context.Threads, progress.Report, cancellationToken);
        try
        {
            using var package = ModelPackage.Create(context.Content);
            var transforms = package.Commit(new ModelManifest
            {
                Engine = TransformsEngine,
                Task = ModelTask.Tensor,
                Inputs = encoder.Inputs,
                Outputs = [new ColumnSignature(FeatureEncoder.FeaturesColumn, ColumnType.Tensor) { Shape = [encoder.Width] }],
                Label = options.Label,
                Classes = encoder.Label?.Classes ?? [],
            }, encoder);
            return StageOutputs.Of(encoded).Add("transforms", Artifact.Of(transforms));
        }
        catch
        {
            context.Objects.Delete(encoded.Id);
            throw;
        }
    }

    public static StageOutputs Apply(StageContext context, CancellationToken cancellationToken)
    {
        var options = context.Options<ApplyOptions>();
        var encoder = context.Models.LoadEncoder(context.Model("transforms"));
        using var data = context.Dataset("data");
        var label = options.Label is null ? null
            : encoder.Label?.Name == options.Label ? encoder.Label
            : LabelEncoder.Fit(data.Batches, options.Label);
        var progress = new ShareReporter(context, "encoding");
        return StageOutputs.Of(encoder.EncodeTo(context.Objects, data.Batches, label, context.Threads, progress.Report, cancellationToken));
    }

    /// <summary>Options of core.fit.</summary>
    internal sealed record FitOptions
    {
        /// <summary>What to do with which column. Default: numbers imputed, text as categories.</summary>
        public FeaturePlan? Plan { get; init; }
        /// <summary>Label column, kept beside the features and used by target encoding.</summary>
        public string? Label { get; init; }
        /// <summary>What is to be learnt, which decides how the label is read. Default: text as classes, anything else as it is.</summary>
        public ModelTask? Task { get; init; }
        /// <summary>Without a plan: columns to take as categories whatever their type.</summary>
        public ImmutableArray<string>? Categorical { get; init; }
        /// <summary>Without a plan: columns not to use.</summary>
        public ImmutableArray<string>? Exclude { get; init; }
        /// <summary>Without a plan: whether numbers are standardised.</summary>
        public bool Standardise { get; init; }
    }

    /// <summary>Options of core.apply.</summary>
    internal sealed record ApplyOptions
    {
        /// <summary>Label column to keep beside the features. Default: none.</summary>
        public string? Label { get; init; }
    }
}
