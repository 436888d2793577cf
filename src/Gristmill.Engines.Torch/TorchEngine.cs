using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using Gristmill.Objects;
using TorchSharp;

namespace Gristmill.Engines.Torch;

/// <summary>
/// Stages in torch. <see cref="StageOperations.TrainTorchMlp"/> trains an MLP with embeddings on input "data", with
/// <see cref="TorchMlpOptions"/>; an input "validation" takes the place of rows held back. Outputs: "out" (model) and
/// "metrics" (loss, validation_loss, validation_auc for binary tasks, best_epoch, rows_per_s).
/// </summary>
public sealed class TorchEngine : IStageEngine
{
    private const string Data = "data";
    private const string Validation = "validation";

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, Type> Operations { get; } = new Dictionary<string, Type> { [StageOperations.TrainTorchMlp] = typeof(TorchMlpOptions) };

    /// <inheritdoc/>
    public Task<StageOutputs> ExecuteAsync(StageContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        var options = context.Options<TorchMlpOptions>();
        options.Validate();

        // A thread of its own all along: torch's number of threads is kept per calling thread.
        return Task.Run(() => Train(context, options, cancellationToken), cancellationToken);
    }

    private static StageOutputs Train(StageContext context, TorchMlpOptions options, CancellationToken cancellationToken)
    {
        try
        {
            context.Report(0, "loading torch");
            TorchRuntime.EnsureLoaded();
            TorchRuntime.SetThreads(context.Threads);
            using var data = Rows(context, Data);
            context.Report(0, "fitting transforms");
            var encoder = Encoder(context, options, data, cancellationToken);
            using var train = TrainingSet.Encode(context, encoder, data, f => context.Report(null, $"encoding {f:P0}"), cancellationToken);
            var task = TaskOf(options, encoder, train);
            using var validationData = context.Request.Inputs.ContainsKey(Validation) ? Rows(context, Validation) : null;
            using var validation = validationData is null ? null : TrainingSet.Encode(context, encoder, validationData, null, cancellationToken);
            var fit = new MlpTrainer(context, options, task, encoder).Fit(train, validation, cancellationToken);
            return StageOutputs.Of(Save(context, options, encoder, fit), fit.Metrics);
        }
        catch (ExternalException e)
        {
            throw TorchErrors.Of(e.Message, e);
        }
    }

    private static ObjectLease Rows(StageContext context, string input)
    {
        var data = context.Dataset(input);
        if (data.Ref.Rows > 0)
        {
            return data;
        }

        data.Dispose();
        throw new GristmillException(ErrorCodes.BadValue, $"Stage '{context.Request.Stage}': input '{input}' has no rows.", "Look at the stage before.");
    }

    private static FeatureEncoder Encoder(StageContext context, TorchMlpOptions options, ObjectLease data, CancellationToken cancellationToken)
    {
        var plan = options.Features ?? FeaturePlan.Infer(
            data.Schema, new HashSet<string>([.. options.Exclude, options.Label], StringComparer.Ordinal),
            SmallIntegers.Among(data.Batches).Except([.. options.Exclude, options.Label]).Concat(options.Categorical).ToHashSet(StringComparer.Ordinal),
            standardise: true);
        return plan.Transforms.Any(t => t.Columns.Contains(options.Label))
            ? throw new GristmillException(ErrorCodes.Invalid, $"Stage '{context.Request.Stage}': the features read the label '{options.Label}'.",
                "Take it out of the plan: a model that sees its label learns nothing else.").With("column", options.Label)
            : FeatureEncoder.Fit(plan, data.Batches, options.Label, options.Task, context.Threads, cancellationToken);
    }

    private static ModelTask TaskOf(TorchMlpOptions options, FeatureEncoder encoder, TrainingSet train)
    {
        var label = encoder.Label!;
        if (options.Task == ModelTask.Binary && !ZeroOrOne())
        {
            throw new GristmillException(ErrorCodes.BadValue, $"The label '{label.Name}' has other values than 0 and 1.",
                "A binary task takes booleans, 0 and 1, or two classes.").With("column", label.Name);
        }

        return options.Task ?? (!label.Classes.IsEmpty ? ModelTask.Multiclass
            : label.Type == ColumnType.Boolean || ZeroOrOne() ? ModelTask.Binary
            : ModelTask.Regression);

        bool ZeroOrOne()
        {
            using var scope = torch.NewDisposeScope();
            return train.Labels.eq(0).logical_or(train.Labels.eq(1)).all().item<bool>();
        }
    }

    private static ModelRef Save(StageContext context, TorchMlpOptions options, FeatureEncoder encoder, MlpFit fit)
    {
        using var package = ModelPackage.Create(context.Content);
        fit.Weights.Save(Path.Combine(package.Folder, MlpWeights.FileName));
        var classes = encoder.Label!.Classes;
        return package.Commit(new ModelManifest
        {
            Engine = TorchModelEngine.EngineName,
            Task = fit.Task,
            Inputs = encoder.Inputs,
            Outputs = PredictionOutput.Columns(fit.Task, classes.Length),
            Label = options.Label,
            Classes = classes,
            Metrics = fit.Metrics,
            Settings = ImmutableDictionary<string, string>.Empty
                .Add(TorchModelEngine.KindSetting, TorchModelEngine.MlpKind)
                .Add("hidden", string.Join(",", options.Hidden))
                .Add("activation", "relu"),
            Provenance = ImmutableDictionary<string, string>.Empty
                .Add("libtorch", torch.__version__)
                .Add("seed", options.Seed.ToString(CultureInfo.InvariantCulture))
                .Add("threads", context.Threads.ToString(CultureInfo.InvariantCulture))
                .Add("options", context.Request.Options),
        }, encoder);
    }
}
