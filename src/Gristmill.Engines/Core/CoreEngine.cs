using System.Text.Json;
using Gristmill.Engines.Core;

namespace Gristmill.Engines;

/// <summary>Runs what needs no library of its own: fitting and applying transforms, measuring, predicting, choosing.</summary>
public sealed class CoreEngine : IStageEngine
{
    private static readonly Dictionary<string, Func<StageContext, CancellationToken, Task<StageOutputs>>> All = new(StringComparer.Ordinal)
    {
        [StageOperations.NoOp] = (_, _) => Task.FromResult(new StageOutputs()),
        [StageOperations.ArrowRead] = ReadArrowStage.RunAsync,
        [StageOperations.ImportFile] = Computed(ImportFileStage.Run),
        [StageOperations.Fit] = Computed(FitStages.Fit),
        [StageOperations.Apply] = Computed(FitStages.Apply),
        [StageOperations.Evaluate] = Computed(EvaluateStages.Evaluate),
        [StageOperations.Best] = Computed(EvaluateStages.Best),
        [StageOperations.Predict] = Computed(PredictStage.Run),
    };

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, Type> Operations { get; } = new Dictionary<string, Type>(StringComparer.Ordinal)
    {
        // Does nothing with them, so they may be anything.
        [StageOperations.NoOp] = typeof(JsonElement),
        [StageOperations.ArrowRead] = typeof(ReadArrowStage.Options),
        [StageOperations.ImportFile] = typeof(ImportFileStage.Options),
        [StageOperations.Fit] = typeof(FitStages.FitOptions),
        [StageOperations.Apply] = typeof(FitStages.ApplyOptions),
        [StageOperations.Evaluate] = typeof(EvaluateStages.EvaluateOptions),
        [StageOperations.Best] = typeof(EvaluateStages.BestOptions),
        [StageOperations.Predict] = typeof(PredictStage.Options),
    };

    /// <inheritdoc/>
    public Task<StageOutputs> ExecuteAsync(StageContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        return All.TryGetValue(context.Request.Operation, out var run)
            ? run(context, cancellationToken)
            : throw new GristmillException(ErrorCodes.Invalid, $"Stage '{context.Request.Stage}': there is no operation '{context.Request.Operation}'.",
                $"The engine runs {string.Join(", ", All.Keys.Order(StringComparer.Ordinal))}.");
    }

    // Off the caller's thread: it may be the one that answers pings and cancellations.
    private static Func<StageContext, CancellationToken, Task<StageOutputs>> Computed(Func<StageContext, CancellationToken, StageOutputs> run) =>
        (context, cancellation) => Task.Run(() => run(context, cancellation), cancellation);
}
