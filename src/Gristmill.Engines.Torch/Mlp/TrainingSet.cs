using Gristmill.Objects;
using TorchSharp;

namespace Gristmill.Engines.Torch;

/// <summary>An encoded table as tensors over the mapping. Its object has no name any more, so its memory goes with this.</summary>
internal sealed class TrainingSet : IDisposable
{
    private TrainingSet(torch.Tensor features, torch.Tensor labels)
    {
        Features = features;
        Labels = labels;
    }

    /// <summary>[rows, width], read-only.</summary>
    public torch.Tensor Features { get; }

    /// <summary>[rows], read-only.</summary>
    public torch.Tensor Labels { get; }

    /// <summary>Number of rows.</summary>
    public long Rows => Labels.shape[0];

    /// <summary>Encodes a table and maps it.</summary>
    public static TrainingSet Encode(StageContext context, FeatureEncoder encoder, ObjectLease data, Action<double>? progress, CancellationToken cancellationToken)
    {
        var reference = encoder.EncodeTo(context.Objects, data.Batches, encoder.Label, context.Threads, progress, cancellationToken);
        try
        {
            using var lease = context.Objects.Get(reference);
            var features = lease.AsTensor(FeatureEncoder.FeaturesColumn);
            try
            {
                return new TrainingSet(features.DetachFromDisposeScope(), lease.AsTensor(FeatureEncoder.LabelColumn).DetachFromDisposeScope());
            }
            catch
            {
                features.Dispose();
                throw;
            }
        }
        finally
        {
            context.Objects.Delete(reference.Id);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Features.Dispose();
        Labels.Dispose();
    }
}
