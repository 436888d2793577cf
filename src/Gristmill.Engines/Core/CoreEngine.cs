using System.Text.Json;
using Gristmill.Engines.Core;

namespace Gristmill.Engines;

/// <summary>Runs what needs no library of its own: fitting and applying transforms, measuring, predicting, choosing.</summary>
public sealed class CoreEngine : IStageEngine
{
    private static readonly Dictionary<string, (Type Options, Func<StageContext, CancellationToken, Task<StageOutputs>> Run)> All = new(StringComparer.Ordinal)
    {
        // Does nothing with its options, so they may be anything.
        [StageOperations.NoOp] = (typeof(JsonElement), (_, _) => Task.FromResult(new StageOutputs())),
        [StageOperations.ArrowRead] = (typeof(ReadArrowStage.Options), ReadArrowStage.RunAsync),
        [StageOperations.ImportFile] = (typeof(ImportFileStage.Options), Computed(ImportFileStage.Run)),
        [StageOperations.Fit] = (typeof(FitStages.FitOptions), Computed(FitStages.Fit)),
        [StageOperations.Apply] = (typeof(FitStages.ApplyOptions), Computed(FitStages.Apply)),
        [StageOperations.Evaluate] = (typeof(EvaluateStages.EvaluateOptions), Computed(EvaluateStages.Evaluate)),
        [StageOperations.Best] = (typeof(EvaluateStages.BestOptions), Computed(EvaluateStages.Best)),
        [StageOperations.Predict] = (typeof(PredictStage.Options), Computed(PredictStage.Run)),
    };

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, Type> Operations { get; } = All.ToDictionary(static entry => entry.Key, static entry => entry.Value.Options, StringComparer.Ordinal);

    /// <inheritdoc/>
    public Task<StageOutputs> ExecuteAsync(StageContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        return All.TryGetValue(context.Request.Operation, out var operation)
            ? operation.Run(context, cancellationToken)
            : throw new GristmillException(ErrorCodes.Invalid, $"Stage '{context.Request.Stage}': there is no operation '{context.Request.Operation}'.",
                $"The engine runs {string.Join(", ", All.Keys.Order(StringComparer.Ordinal))}.");
    }

    // Off the caller's thread: it may be the one that answers pings and cancellations.
    private static Func<StageContext, CancellationToken, Task<StageOutputs>> Computed(Func<StageContext, CancellationToken, StageOutputs> run) =>
        (context, cancellation) => Task.Run(() => run(context, cancellation), cancellation);
}
