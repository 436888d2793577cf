using System.Collections.Immutable;
using System.Diagnostics;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Gristmill.Engines.Torch;

/// <summary>
/// Trains a tabular MLP: Adam (Kingma and Ba 2015; AdamW with weight decay) on random batches taken by one index_select
/// each, early stopping on the validation loss, the best epoch's weights kept.
/// </summary>
internal sealed class MlpTrainer(StageContext context, TorchMlpOptions options, ModelTask task, FeatureEncoder encoder)
{
    private const int MaxValidationRows = 100_000;
    private const int EvaluationRows = 16_384;
    private const double WarmUp = 0.05;
    private readonly int _outputs = task == ModelTask.Multiclass ? encoder.Label!.Classes.Length : 1;

    // Labels are learnt as (label - shift) / scale: only in a regression other than 0 and 1.
    private float _shift;
    private float _scale = 1;

    /// <summary>Trains; ends within a step of being cancelled.</summary>
    /// <param name="train">Training rows.</param>
    /// <param name="validation">Validation rows, or null to hold some of the training rows back.</param>
    /// <param name="cancellationToken">Ends the training.</param>
    /// <exception cref="GristmillException">The loss became NaN (<see cref="ErrorCodes.StageFailed"/>).</exception>
    public MlpFit Fit(TrainingSet train, TrainingSet? validation, CancellationToken cancellationToken)
    {
        using var outer = NewDisposeScope();
        using var generator = new Generator((ulong)options.Seed, CPU);
        var order = randperm(train.Rows, ScalarType.Int64, generator: generator);
        var (heldFeatures, heldLabels) = validation is null ? HoldBack(train, ref order) : (validation.Features, validation.Labels);
        var rows = order.shape[0];
        var batch = (int)Math.Clamp(rows / 50, Math.Min(32, options.BatchSize), options.BatchSize);
        var steps = (int)((rows + batch - 1) / batch);
        var bias = InitialBias(train.Labels);

        using var network = new MlpNetwork(MlpInitialiser.Create(encoder.Features, options, _outputs, bias), trainable: true, options.Dropout);
        using optim.Optimizer optimizer = options.WeightDecay > 0
            ? optim.AdamW(network.Parameters, options.LearningRate, weight_decay: options.WeightDecay)
            : optim.Adam(network.Parameters, options.LearningRate);

        var best = (Loss: double.PositiveInfinity, Auc: double.NaN, Epoch: 0, Weights: default(MlpWeights));
        var trainLoss = double.NaN;
        var clock = Stopwatch.StartNew();
        long seen = 0;
        var epoch = 1;
        for (; epoch <= options.Epochs; epoch++)
        {
            using var scope = NewDisposeScope();
            if (epoch > 1)
            {
                order = order.index_select(0, randperm(rows, ScalarType.Int64, generator: generator)).MoveToOtherDisposeScope(outer);
            }

            var sum = 0.0;
            for (var step = 0; step < steps; step++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var done = ((double)((epoch - 1) * steps) + step) / (options.Epochs * steps);
                SetRate(optimizer, done);
                var count = Math.Min(batch, rows - ((long)step * batch));
                var loss = Step(network, optimizer, train, order.narrow(0, (long)step * batch, count), generator);
                if (!double.IsFinite(loss))
                {
                    throw new GristmillException(ErrorCodes.StageFailed,
                        $"Stage '{context.Request.Stage}': the loss became {loss} in step {step + 1} of epoch {epoch}.",
                        $"Lower learningRate (it is {options.LearningRate}), standardise the features, and look for extreme values.");
                }

                sum += loss * count;
                seen += count;
                if (step % 16 == 0)
                {
                    context.Report(done, $"epoch {epoch} of {options.Epochs}",
                        ("loss", sum / ((step * (double)batch) + count)), ("epoch", epoch), ("rows_per_s", seen / clock.Elapsed.TotalSeconds));
                }
            }

            trainLoss = sum / rows;
            var (heldLoss, heldAuc) = Evaluate(network, heldFeatures, heldLabels, cancellationToken);
            if (heldLoss < best.Loss)
            {
                best = (heldLoss, heldAuc, epoch, network.Weights());
            }

            Report(epoch, trainLoss, heldLoss, heldAuc, seen / clock.Elapsed.TotalSeconds);
            if (epoch - best.Epoch >= options.Patience)
            {
                break;
            }
        }

        return best.Weights is { } weights
            ? new MlpFit(Rescale(weights), task, Metrics(best.Loss, best.Auc, best.Epoch, trainLoss, seen / clock.Elapsed.TotalSeconds))
            : throw new GristmillException(ErrorCodes.StageFailed, $"Stage '{context.Request.Stage}': no epoch had a finite validation loss.",
                "Lower learningRate, and look for extreme values in the validation rows.");
    }

    private double Step(MlpNetwork network, optim.Optimizer optimizer, TrainingSet train, Tensor rows, Generator generator)
    {
        using var scope = NewDisposeScope();
        var outputs = network.Forward(train.Features.index_select(0, rows), training: true, generator);
        var loss = Loss(outputs, train.Labels.index_select(0, rows));
        optimizer.zero_grad();
        loss.backward();
        optimizer.step();
        return loss.item<float>();
    }

    private Tensor Loss(Tensor outputs, Tensor labels) => task switch
    {
        ModelTask.Binary => F.binary_cross_entropy_with_logits(outputs.squeeze(1), labels),
        ModelTask.Multiclass => F.cross_entropy(outputs, labels.to(ScalarType.Int64)),
        _ => F.mse_loss(outputs.squeeze(1), (labels - _shift) / _scale),
    };

    private (double Loss, double Auc) Evaluate(MlpNetwork network, Tensor features, Tensor labels, CancellationToken cancellationToken)
    {
        using var noGrad = no_grad();
        var rows = labels.shape[0];
        var scores = task == ModelTask.Binary ? new float[rows] : [];
        var sum = 0.0;
        for (var start = 0L; start < rows; start += EvaluationRows)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var count = Math.Min(EvaluationRows, rows - start);
            var outputs = network.Forward(features.narrow(0, start, count), training: false);
            sum += Loss(outputs, labels.narrow(0, start, count)).item<float>() * count;
            if (scores.Length > 0)
            {
                outputs.squeeze(1).data<float>().CopyTo(scores, (int)start, 0);
            }
        }

        return (sum / rows, scores.Length > 0 ? RocAuc.Compute(scores, labels.data<float>().ToArray()) ?? double.NaN : double.NaN);
    }

    private (Tensor Features, Tensor Labels) HoldBack(TrainingSet train, ref Tensor order)
    {
        var count = Math.Min(MaxValidationRows, (long)(train.Rows * options.ValidationFraction));
        if (count == 0)
        {
            // Too few rows to hold any back: the training loss decides.
            return (train.Features, train.Labels);
        }

        var held = order.narrow(0, 0, count);
        order = order.narrow(0, count, train.Rows - count);
        return (train.Features.index_select(0, held), train.Labels.index_select(0, held));
    }

    // Starting from the label's mean spares the first steps, and regression from any label's scale.
    private float[] InitialBias(Tensor labels)
    {
        var bias = new float[_outputs];
        if (task == ModelTask.Multiclass)
        {
            return bias;
        }

        using var scope = NewDisposeScope();
        var mean = labels.to(ScalarType.Float64).mean().item<double>();
        if (task == ModelTask.Binary)
        {
            mean = Math.Clamp(mean, 1e-4, 1 - 1e-4);
            bias[0] = (float)Math.Log(mean / (1 - mean));
        }
        else
        {
            var variance = labels.to(ScalarType.Float64).var(unbiased: false).item<double>();
            _shift = (float)mean;
            _scale = variance > 0 ? (float)Math.Sqrt(variance) : 1;
        }

        return bias;
    }

    // The last layer gives labels in their own unit.
    private MlpWeights Rescale(MlpWeights weights)
    {
        if (_shift == 0 && _scale == 1)
        {
            return weights;
        }

        var last = weights.Layers[^1];
        var scaled = last with { Weight = [.. last.Weight.Select(w => w * _scale)], Bias = [.. last.Bias.Select(b => (b * _scale) + _shift)] };
        return new MlpWeights { Numbers = weights.Numbers, Embeddings = weights.Embeddings, Layers = weights.Layers.SetItem(weights.Layers.Length - 1, scaled) };
    }

    private void SetRate(optim.Optimizer optimizer, double done)
    {
        var rate = options.LearningRate * (done < WarmUp
            ? (done + 0.002) / WarmUp
            : 0.01 + (0.99 * 0.5 * (1 + Math.Cos(Math.PI * (done - WarmUp) / (1 - WarmUp)))));
        foreach (var group in optimizer.ParamGroups)
        {
            group.LearningRate = Math.Min(rate, options.LearningRate);
        }
    }

    private void Report(int epoch, double loss, double heldLoss, double heldAuc, double rate)
    {
        var message = double.IsFinite(heldAuc)
            ? $"epoch {epoch} of {options.Epochs}: loss {loss:F4}, validation {heldLoss:F4}, AUC {heldAuc:F4}"
            : $"epoch {epoch} of {options.Epochs}: loss {loss:F4}, validation {heldLoss:F4}";
        var done = (double)epoch / options.Epochs;
        context.Track.Metric("loss", loss, epoch);
        context.Track.Metric("val_loss", heldLoss, epoch);
        if (double.IsFinite(heldAuc))
        {
            context.Track.Metric("val_auc", heldAuc, epoch);
            context.Report(done, message, ("loss", loss), ("val_loss", heldLoss), ("val_auc", heldAuc), ("epoch", epoch), ("rows_per_s", rate));
        }
        else
        {
            context.Report(done, message, ("loss", loss), ("val_loss", heldLoss), ("epoch", epoch), ("rows_per_s", rate));
        }
    }

    private static ImmutableDictionary<string, double> Metrics(double heldLoss, double heldAuc, int epoch, double loss, double rate)
    {
        var metrics = ImmutableDictionary.CreateBuilder<string, double>();
        metrics["loss"] = loss;
        metrics["validation_loss"] = heldLoss;
        metrics["best_epoch"] = epoch;
        metrics["rows_per_s"] = rate;
        if (double.IsFinite(heldAuc))
        {
            metrics["validation_auc"] = heldAuc;
        }

        return metrics.ToImmutable();
    }
}
