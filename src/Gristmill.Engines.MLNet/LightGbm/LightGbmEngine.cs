using System.Collections.Immutable;
using System.Globalization;

namespace Gristmill.Engines.MLNet;

/// <summary>
/// lightgbm.train: encodes input "data" (and "validation", if connected), trains trees through LightGBM's native
/// library on the encoded matrix where it lies, and returns a model package: model.txt (LightGBM's own text),
/// features.json and the manifest. Options: <see cref="LightGbmOptions"/>.
/// </summary>
public sealed class LightGbmEngine : IStageEngine
{
    /// <summary>The engine's name in manifests.</summary>
    public const string Name = "lightgbm";

    /// <summary>The model's file in a package.</summary>
    public const string ModelFile = "model.txt";

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, Type> Operations { get; } = new Dictionary<string, Type> { [StageOperations.TrainLightGbm] = typeof(LightGbmOptions) };

    /// <inheritdoc/>
    public Task<StageOutputs> ExecuteAsync(StageContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        var options = context.Options<LightGbmOptions>();
        options.ThrowIfInvalid(context.Request.Stage);
        return Task.Run(() => Train(context, options, cancellationToken), cancellationToken);
    }

    private static StageOutputs Train(StageContext context, LightGbmOptions options, CancellationToken cancellationToken)
    {
        var validated = context.Request.Inputs.ContainsKey("validation");
        if (options.EarlyStopping is not null && !validated && options.ValidationFraction is null)
        {
            throw new GristmillException(ErrorCodes.Invalid,
                $"Stage '{context.Request.Stage}': earlyStopping needs rows to validate on.", "Connect input \"validation\", or set validationFraction.");
        }

        context.Report(0, "encoding");
        using var package = ModelPackage.Create(context.Content);
        var (encoder, task, trainer, fit, rows) = Fit(context, options, validated, Path.Combine(package.Folder, ModelFile), cancellationToken);
        var metrics = trainer.Metrics.Zip(fit.Validation).ToImmutableDictionary(m => $"validation_{m.First}", m => m.Second)
            .SetItem("iterations", fit.Iterations)
            .SetItem("rows", rows);
        var model = package.Commit(new ModelManifest
        {
            Engine = Name,
            Task = task,
            Inputs = encoder.Inputs,
            Outputs = PredictionOutput.Columns(task, encoder.Label!.Classes.Length),
            Label = options.Label,
            Classes = encoder.Label.Classes,
            Metrics = metrics,
            Settings = Settings(options, encoder, fit),
            Provenance = Provenance(options, context),
        }, encoder);
        return StageOutputs.Of(model, metrics);
    }

    private static (FeatureEncoder Encoder, ModelTask Task, LightGbmTrainer Trainer, LightGbmFit Fit, long Rows) Fit(
        StageContext context, LightGbmOptions options, bool validated, string path, CancellationToken cancellationToken)
    {
        var owned = new Stack<IDisposable>();
        try
        {
            LightGbmDataset train;
            LightGbmDataset? validation = null;
            FeatureEncoder encoder;
            ModelTask task;
            LightGbmTrainer trainer;
            long rows;

            // The matrix is unmapped before the first tree grows: LightGBM works on its bins, a byte a value.
            using (var matrix = TrainingMatrix.Fit(context, "data", options, standardise: false, cancellationToken, merge: options.MayMerge))
            {
                encoder = matrix.Encoder;
                rows = matrix.Rows;
                task = matrix.TaskOf(options.Task);
                trainer = new LightGbmTrainer(options, task, encoder.Label!.Classes.Length, encoder.Features, context.Threads,
                    matrix.Share, line => Forward(context, line));
                owned.Push(trainer);
                context.Report(0, "binning");
                train = trainer.Bin(matrix.Chunks());
                owned.Push(train);
                TrainingMatrix.Mapped?.Invoke(matrix.Lease);
                cancellationToken.ThrowIfCancellationRequested();
                if (validated)
                {
                    using var held = matrix.Encode(context, "validation", cancellationToken);
                    validation = trainer.Bin(held.Chunks(), train);
                    owned.Push(validation);
                }
            }

            if (!validated && options.ValidationFraction is { } share)
            {
                (train, validation) = trainer.Draw(train, share);
                rows = train.Rows;
                owned.Push(train);
                owned.Push(validation);
            }

            var fit = trainer.Train(train, validation, path,
                (iteration, values) => Report(context, trainer, options.Iterations, iteration, values), cancellationToken);
            return (encoder, task, trainer, fit, rows);
        }
        finally
        {
            while (owned.TryPop(out var handle))
            {
                handle.Dispose();
            }
        }
    }

    private static void Report(StageContext context, LightGbmTrainer trainer, int iterations, int iteration, double[] values)
    {
        var metrics = new (string, double)[values.Length + 1];
        metrics[0] = ("iteration", iteration);
        for (var i = 0; i < values.Length; i++)
        {
            metrics[i + 1] = ($"validation_{trainer.Metrics[i]}", values[i]);
            context.Track.Metric(metrics[i + 1].Item1, values[i], iteration);
        }

        context.Report((double)iteration / iterations, $"iteration {iteration} of {iterations}", metrics);
    }

    private static void Forward(StageContext context, string line)
    {
        // "[LightGBM] [Warning] text": a tree that ends before it has all its leaves is no news.
        if (line.Contains("[Warning]", StringComparison.Ordinal)
            && !line.Contains("No further splits", StringComparison.Ordinal)
            && !line.Contains("Stopped training", StringComparison.Ordinal))
        {
            context.Report(null, line);
        }
    }

    private static ImmutableDictionary<string, string> Settings(LightGbmOptions options, FeatureEncoder encoder, LightGbmFit fit)
    {
        var settings = ImmutableDictionary.CreateBuilder<string, string>();
        settings["iterations"] = Text(fit.Iterations);
        settings["leaves"] = Text(options.Leaves);
        settings["learningRate"] = Text(options.LearningRate);
        settings["minDataInLeaf"] = Text(options.MinDataInLeaf);
        settings["featureFraction"] = Text(options.FeatureFraction);
        settings["baggingFraction"] = Text(options.BaggingFraction);
        settings["lambdaL1"] = Text(options.LambdaL1);
        settings["lambdaL2"] = Text(options.LambdaL2);
        settings["maxBin"] = Text(options.MaxBin);
        // The twenty features that helped most, with their share of all gain.
        var total = Math.Max(fit.Gains.Sum(), double.Epsilon);
        settings["gain"] = string.Join(", ", encoder.Features.Zip(fit.Gains).OrderByDescending(g => g.Second).Take(20)
            .Where(g => g.Second > 0).Select(g => string.Create(CultureInfo.InvariantCulture, $"{g.First.Name} {g.Second / total:0.000}")));
        return settings.ToImmutable();
    }

    private static ImmutableDictionary<string, string> Provenance(LightGbmOptions options, StageContext context) =>
        ImmutableDictionary<string, string>.Empty
            .Add("lightgbm", LightGbmNative.Version)
            .Add("seed", Text(options.Seed))
            .Add("threads", Text(context.Threads))
            .Add("run", context.Request.RunId)
            .Add("stage", context.Request.Stage)
            .Add("host", Environment.MachineName);

    private static string Text(IFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);
}
