using System.Numerics.Tensors;

namespace Gristmill.Engines.Torch;

/// <summary>Turns a network's outputs into scores.</summary>
internal static class Activation
{
    /// <summary>In place: the sigmoid for binary tasks, the softmax of each row for multiclass ones, nothing for regression.</summary>
    public static void Apply(ModelTask task, Span<float> outputs, int perRow)
    {
        if (task == ModelTask.Binary)
        {
            TensorPrimitives.Sigmoid(outputs, outputs);
        }
        else if (task == ModelTask.Multiclass)
        {
            for (var at = 0; at < outputs.Length; at += perRow)
            {
                var row = outputs.Slice(at, perRow);
                // Less the largest: exp of it would overflow.
                TensorPrimitives.Add(row, -TensorPrimitives.Max<float>(row), row);
                TensorPrimitives.SoftMax(row, row);
            }
        }
    }
}
