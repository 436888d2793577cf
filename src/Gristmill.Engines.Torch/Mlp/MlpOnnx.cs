using System.Collections.Immutable;

namespace Gristmill.Engines.Torch;

/// <summary>Writes a tabular MLP as ONNX: what <see cref="MlpScorer"/> computes, from the same weights.</summary>
internal static class MlpOnnx
{
    public static Stream Export(ModelManifest manifest, ImmutableArray<EncodedFeature> features, MlpWeights weights)
    {
        var graph = OnnxExport.Begin(manifest, features);
        var parts = new List<string>();
        if (!weights.Numbers.IsEmpty)
        {
            var indexes = graph.Constant<long>([.. weights.Numbers.Select(n => (long)n)], weights.Numbers.Length);
            parts.Add(graph.Add("Gather", [OnnxExport.Input, indexes], OnnxSetting.Of("axis", 1)));
        }

        parts.AddRange(weights.Embeddings.Select(e => Embed(graph, e)));
        var x = parts is [var only] ? only : graph.Add("Concat", [.. parts], OnnxSetting.Of("axis", 1));
        for (var i = 0; i < weights.Layers.Length; i++)
        {
            var layer = weights.Layers[i];
            x = graph.Add("Gemm", [x, graph.Constant<float>(layer.Weight, layer.Outputs, layer.Inputs), graph.Constant<float>(layer.Bias, layer.Outputs)],
                OnnxSetting.Of("transB", 1));
            if (i < weights.Layers.Length - 1)
            {
                x = graph.Add("Relu", [x]);
            }
        }

        return OnnxExport.Finish(graph, manifest, manifest.Task switch
        {
            ModelTask.Binary => graph.Add("Sigmoid", [x]),
            ModelTask.Multiclass => graph.Add("Softmax", [x], OnnxSetting.Of("axis", 1)),
            _ => x,
        });
    }

    /// <summary>Looks a code up in its table; whatever is no code of it, NaN too, is the unseen one, 0.</summary>
    private static string Embed(OnnxGraph graph, MlpEmbedding embedding)
    {
        var code = graph.Add("Gather", [OnnxExport.Input, graph.Constant<long>([embedding.Feature])], OnnxSetting.Of("axis", 1));
        var zero = graph.Constant<float>([0]);
        var known = graph.Add("And",
        [
            graph.Add("GreaterOrEqual", [code, zero]),
            graph.Add("Less", [code, graph.Constant<float>([embedding.Categories])]),
        ]);
        var index = graph.Cast(graph.Add("Where", [known, code, zero]), OnnxElement.Int64);
        return graph.Add("Gather", [graph.Constant<float>(embedding.Table, embedding.Categories, embedding.Width), index]);
    }
}
