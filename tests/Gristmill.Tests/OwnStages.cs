using Gristmill.Engines;
using Gristmill.Engines.MLNet;
using Gristmill.Engines.Torch;
using Microsoft.ML;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Gristmill;

/// <summary>Stages as a user writes them.</summary>
public static class OwnStages
{
    /// <summary>Rows seen by <see cref="Count"/> in this process.</summary>
    public static long Seen { get; private set; }

    /// <summary>Set when <see cref="Wait"/> begins in this process.</summary>
    public static TaskCompletionSource Waiting { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public static (long Rows, int Process) Count(Dataset rows)
    {
        Seen = rows.Column("distance").Sum(array => array.Length);
        return (Seen, Environment.ProcessId);
    }

    public static double Throw(Dataset rows) => throw new InvalidOperationException($"{rows.Rows} rows are too many for me");

    public static async Task<double> Wait(Dataset rows, CancellationToken cancellationToken)
    {
        Waiting.TrySetResult();
        await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
        return rows.Rows;
    }

    public static ModelRef TrainNet(Dataset train, int epochs, StageContext stage, CancellationToken cancellationToken)
    {
        TorchRuntime.EnsureLoaded();
        manual_seed(7);
        var plan = new FeaturePlan([new(TransformKind.Standardise, ["distance"]), new(TransformKind.Standardise, ["weight"]), new(TransformKind.OneHot, ["carrier"])]);
        var encoder = FeatureEncoder.Fit(plan, train.Batches, label: "late");
        var encoded = encoder.EncodeTo(stage.Objects, train.Batches, label: "late");
        try
        {
            using var lease = stage.Objects.Get(encoded);
            using var scope = NewDisposeScope();
            using var net = new Net(encoder.Width);
            using var adam = optim.Adam(net.parameters(), lr: 0.1);
            var (x, y) = (lease.AsTensor(FeatureEncoder.FeaturesColumn), lease.AsTensor(FeatureEncoder.LabelColumn));
            for (var epoch = 1; epoch <= epochs; epoch++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                using var step = NewDisposeScope();
                var loss = nn.functional.binary_cross_entropy_with_logits(net.call(x).squeeze(1), y);
                adam.zero_grad();
                loss.backward();
                adam.step();
            }

            net.eval();
            return TorchModels.SaveModule(stage.Content, net, encoder, ModelTask.Binary, stage.Request.Code, arguments: [encoder.Width]);
        }
        finally
        {
            stage.Objects.Delete(encoded.Id);
        }
    }

    public static ModelRef TrainChain(Dataset train, StageContext stage, CancellationToken cancellationToken)
    {
        var ml = new MLContext(seed: 7);
        using var view = ArrowDataView.Open(train.Lease, cancellationToken: cancellationToken);
        var chain = ml.Transforms.Categorical.OneHotEncoding("code", "carrier")
            .Append(ml.Transforms.Concatenate("Features", "distance", "weight", "code"))
            .Append(ml.Transforms.NormalizeMeanVariance("Features"))
            .Append(ml.BinaryClassification.Trainers.LbfgsLogisticRegression("late"))
            .Fit(view);
        return MLNetModels.Save(stage.Content, ml, chain, view.Schema, label: "late");
    }

    public sealed class Net : nn.Module<Tensor, Tensor>
    {
        private readonly Linear _only;

        public Net(int inputs) : base(nameof(Net))
        {
            _only = nn.Linear(inputs, 1);
            RegisterComponents();
        }

        public override Tensor forward(Tensor input) => _only.call(input);
    }
}
