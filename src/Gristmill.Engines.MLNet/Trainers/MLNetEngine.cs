using System.Collections.Immutable;
using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trainers;
using Microsoft.ML.Trainers.FastTree;

namespace Gristmill.Engines.MLNet;

/// <summary>
/// mlnet.fasttree (<see cref="FastTreeOptions"/>) and mlnet.linear (<see cref="LinearOptions"/>): encodes input "data",
/// trains with ML.NET over a view of the encoded matrix, and returns a model package: ML.NET's own model.zip,
/// features.json and the manifest. (ML.NET's ONNX export is in a package of its own that this build does not take.)
/// </summary>
public sealed class MLNetEngine : IStageEngine
{
    /// <summary>The engine's name in manifests.</summary>
    public const string Name = "mlnet";

    /// <summary>The model's file in a package.</summary>
    public const string ModelFile = "model.zip";

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, Type> Operations { get; } = new Dictionary<string, Type>
    {
        [StageOperations.TrainFastTree] = typeof(FastTreeOptions),
        [StageOperations.TrainLinear] = typeof(LinearOptions),
    };

    /// <inheritdoc/>
    public Task<StageOutputs> ExecuteAsync(StageContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Request.Operation switch
        {
            StageOperations.TrainFastTree => Start<FastTreeOptions>(context, standardise: false, trees: true,
                (ml, task, o, _) => FastTree(ml, task, o, context.Threads), cancellationToken),
            StageOperations.TrainLinear => Start<LinearOptions>(context, standardise: true, trees: false, Linear, cancellationToken),
            var other => throw new GristmillException(ErrorCodes.Invalid, $"The ML.NET engine has no operation '{other}'."),
        };
    }

    private static Task<StageOutputs> Start<TOptions>(
        StageContext context, bool standardise, bool trees, Func<MLContext, ModelTask, TOptions, long, IEstimator<ITransformer>> trainer,
        CancellationToken cancellationToken)
        where TOptions : TabularOptions
    {
        var options = context.Options<TOptions>();
        options.ThrowIfInvalid(context.Request.Stage);
        return Task.Run(() => Train(context, options, standardise, trees, trainer, cancellationToken), cancellationToken);
    }

    private static StageOutputs Train<TOptions>(
        StageContext context, TOptions options, bool standardise, bool trees,
        Func<MLContext, ModelTask, TOptions, long, IEstimator<ITransformer>> trainer, CancellationToken cancellationToken)
        where TOptions : TabularOptions
    {
        context.Report(0, "encoding");
        using var matrix = TrainingMatrix.Fit(context, "data", options, standardise, cancellationToken, (spec, label) =>
            spec.Kind != TransformKind.Category ? spec
            : trees && label is not ColumnType.String && options.Task is not ModelTask.Multiclass
                ? new TransformSpec(TransformKind.TargetEncode, spec.Columns)
                : new TransformSpec(TransformKind.OneHot, spec.Columns) { Buckets = 1024 });
        var task = matrix.TaskOf(options.Task);
        var classes = matrix.Encoder.Label!.Classes;
        using var view = ArrowDataView.Open(matrix.Lease, new Dictionary<string, DataViewType>(StringComparer.Ordinal)
        {
            [FeatureEncoder.LabelColumn] = task switch
            {
                ModelTask.Binary => BooleanDataViewType.Instance,
                ModelTask.Multiclass => new KeyDataViewType(typeof(uint), classes.Length),
                _ => NumberDataViewType.Single,
            },
        }, cancellationToken);

        var ml = new MLContext(options.Seed);
        context.Report(null, "training");
        ITransformer model;
        try
        {
            // ML.NET has no cancellation of its own: the view's cursors end when asked for their next block of rows.
            model = trainer(ml, task, options, matrix.Lease.Ref.Rows).Fit(view);
        }
        catch (Exception e) when (cancellationToken.IsCancellationRequested && e is not OutOfMemoryException)
        {
            throw new OperationCanceledException("Training was cancelled.", e, cancellationToken);
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"Stage '{context.Request.Stage}': ML.NET refused to train: {e.Message}",
                "Look at the data and the options.", e);
        }

        cancellationToken.ThrowIfCancellationRequested();

        using var package = ModelPackage.Create(context.Content);
        ml.Model.Save(model, view.Schema, Path.Combine(package.Folder, ModelFile));
        var metrics = ImmutableDictionary<string, double>.Empty.Add("rows", matrix.Lease.Ref.Rows);
        var reference = package.Commit(new ModelManifest
        {
            Engine = Name,
            Task = task,
            Inputs = matrix.Encoder.Inputs,
            Outputs = PredictionOutput.Columns(task, classes.Length),
            Label = options.Label,
            Classes = classes,
            Metrics = metrics,
            Settings = ImmutableDictionary<string, string>.Empty.Add("operation", context.Request.Operation),
            Provenance = ImmutableDictionary<string, string>.Empty
                .Add("microsoft.ml", typeof(MLContext).Assembly.GetName().Version?.ToString() ?? "")
                .Add("seed", options.Seed.ToString(CultureInfo.InvariantCulture))
                .Add("run", context.Request.RunId)
                .Add("stage", context.Request.Stage)
                .Add("host", Environment.MachineName),
        }, matrix.Encoder);
        context.Report(1, "done");
        return StageOutputs.Of(reference, metrics);
    }

    private static IEstimator<ITransformer> FastTree(MLContext ml, ModelTask task, FastTreeOptions o, int threads)
    {
        FastTreeBinaryTrainer Binary() => ml.BinaryClassification.Trainers.FastTree(
            Common(new FastTreeBinaryTrainer.Options(), o, threads));
        return task switch
        {
            ModelTask.Binary => Binary(),
            ModelTask.Multiclass => ml.MulticlassClassification.Trainers.OneVersusAll(Binary(), FeatureEncoder.LabelColumn),
            _ => ml.Regression.Trainers.FastTree(Common(new FastTreeRegressionTrainer.Options(), o, threads)),
        };
    }

    private static TOptions Common<TOptions>(TOptions options, FastTreeOptions o, int threads)
        where TOptions : BoostedTreeOptions
    {
        options.NumberOfTrees = o.Iterations;
        options.NumberOfLeaves = o.Leaves;
        options.LearningRate = o.LearningRate;
        options.MinimumExampleCountPerLeaf = o.MinDataInLeaf;
        options.NumberOfThreads = threads;
        options.Seed = o.Seed;
        options.FeatureSelectionSeed = o.Seed;
        options.FeatureColumnName = FeatureEncoder.FeaturesColumn;
        options.LabelColumnName = FeatureEncoder.LabelColumn;
        return options;
    }

    private const double ClassL2 = 1e-4;

    // One thread: with several, the trainers update shared weights in whatever order the threads come.
    private static IEstimator<ITransformer> Linear(MLContext ml, ModelTask task, LinearOptions o, long rows) => task switch
    {
        ModelTask.Binary => ml.BinaryClassification.Trainers.LbfgsLogisticRegression(
            new LbfgsLogisticRegressionBinaryTrainer.Options
            {
                FeatureColumnName = FeatureEncoder.FeaturesColumn,
                LabelColumnName = FeatureEncoder.LabelColumn,
                L1Regularization = (float)o.LambdaL1,
                L2Regularization = (float)(o.LambdaL2 ?? ClassL2),
                MaximumNumberOfIterations = o.Iterations,
                NumberOfThreads = 1,
            }),
        ModelTask.Multiclass => ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy(
            new LbfgsMaximumEntropyMulticlassTrainer.Options
            {
                FeatureColumnName = FeatureEncoder.FeaturesColumn,
                LabelColumnName = FeatureEncoder.LabelColumn,
                L1Regularization = (float)o.LambdaL1,
                L2Regularization = (float)(o.LambdaL2 ?? ClassL2),
                MaximumNumberOfIterations = o.Iterations,
                NumberOfThreads = 1,
            }),
        _ => ml.Regression.Trainers.Sdca(new SdcaRegressionTrainer.Options
        {
            FeatureColumnName = FeatureEncoder.FeaturesColumn,
            LabelColumnName = FeatureEncoder.LabelColumn,
            L1Regularization = (float)o.LambdaL1,
            L2Regularization = (float)Math.Max(o.LambdaL2 ?? 0, 1.0 / rows),
            MaximumNumberOfIterations = o.Iterations,
            NumberOfThreads = 1,
        }),
    };
}
