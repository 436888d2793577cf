using System.Buffers;
using System.Collections.Concurrent;
using System.Text.Json;
using Apache.Arrow;
using Gristmill.Engines;

namespace Gristmill.Hosting;

/// <summary>From the JSON of a request to the JSON of its answer.</summary>
internal static class PredictionJson
{
    /// <summary>Rows scored at once: bounds the memory of a request with very many.</summary>
    private const int BlockRows = 4096;

    private static readonly ConcurrentBag<ArrayBufferWriter<byte>> s_outputs = [];
    private static readonly ConcurrentBag<Utf8JsonWriter> s_writers = [];
    private static readonly JsonEncodedText s_score = JsonEncodedText.Encode("score");
    private static readonly JsonEncodedText s_label = JsonEncodedText.Encode("label");
    private static readonly JsonEncodedText s_probabilities = JsonEncodedText.Encode("probabilities");

    /// <summary>The start of every answer of a deployment.</summary>
    public static byte[] Head(DeploymentView deployment)
    {
        var name = JsonEncodedText.Encode(deployment.Spec.Model);
        return [.. "{\"model\":\""u8, .. name.EncodedUtf8Bytes, .. "\",\"version\":"u8, .. JsonSerializer.SerializeToUtf8Bytes(deployment.Version), .. ",\"predictions\":"u8];
    }

    /// <summary>A buffer for an answer.</summary>
    public static ArrayBufferWriter<byte> RentOutput() => s_outputs.TryTake(out var output) ? output : new ArrayBufferWriter<byte>(1024);

    /// <summary>Gives a buffer back; a large one goes to the collector instead of staying for ever.</summary>
    public static void ReturnOutput(ArrayBufferWriter<byte> output)
    {
        if (output.Capacity <= 64 << 10)
        {
            output.ResetWrittenCount();
            s_outputs.Add(output);
        }
    }

    /// <summary>Predicts the rows of a request and writes the answer.</summary>
    /// <returns>How many rows there were.</returns>
    public static int Predict(LoadedModel model, ReadOnlySpan<byte> json, ArrayBufferWriter<byte> output)
    {
        output.Write(model.ResponseHead);
        if (!s_writers.TryTake(out var writer))
        {
            writer = new Utf8JsonWriter(output, new JsonWriterOptions { SkipValidation = true });
        }
        else
        {
            writer.Reset(output);
        }

        writer.WriteStartArray();
        int rows;
        if (model.Predictor is IMatrixPredictor matrix)
        {
            rows = PredictMatrix(matrix, json, writer);
        }
        else
        {
            using var batch = JsonTable.Read(json, model.Predictor.Manifest, model.Predictor.InputSchema);
            using var predicted = model.Predictor.Predict(batch);
            JsonTable.Write(writer, predicted);
            rows = batch.Length;
        }

        writer.WriteEndArray();
        writer.Flush();
        s_writers.Add(writer);
        output.Write("}"u8);
        return rows;
    }

    private static int PredictMatrix(IMatrixPredictor predictor, ReadOnlySpan<byte> json, Utf8JsonWriter writer)
    {
        var width = predictor.Encoder.Width;
        var perRow = predictor.ScoresPerRow;
        // One row is the common request: it needs no pool.
        Span<float> features = width <= 256 ? stackalloc float[width] : new float[width];
        Span<float> scores = perRow <= 64 ? stackalloc float[perRow] : new float[perRow];
        var reader = new JsonRowCursor(json);
        var rows = 0;
        float[]? blockFeatures = null, blockScores = null;
        try
        {
            while (reader.MoveNext())
            {
                if (rows == 0 && reader.IsOnly)
                {
                    predictor.Encoder.EncodeRow(ref reader.Json, features);
                    reader.Finish();
                    predictor.Score(features, 1, scores);
                    Write(writer, predictor.Manifest, scores);
                    return 1;
                }

                blockFeatures ??= ArrayPool<float>.Shared.Rent(width * BlockRows);
                blockScores ??= ArrayPool<float>.Shared.Rent(perRow * BlockRows);
                predictor.Encoder.EncodeRow(ref reader.Json, blockFeatures.AsSpan(rows % BlockRows * width, width), rows);
                rows++;
                if (rows % BlockRows == 0)
                {
                    ScoreBlock(predictor, blockFeatures, BlockRows, blockScores, writer);
                }
            }

            if (rows % BlockRows is var rest and > 0)
            {
                ScoreBlock(predictor, blockFeatures!, rest, blockScores!, writer);
            }

            return rows;
        }
        finally
        {
            if (blockFeatures is not null)
            {
                ArrayPool<float>.Shared.Return(blockFeatures);
            }

            if (blockScores is not null)
            {
                ArrayPool<float>.Shared.Return(blockScores);
            }
        }
    }

    private static void ScoreBlock(IMatrixPredictor predictor, float[] features, int rows, float[] scores, Utf8JsonWriter writer)
    {
        var perRow = predictor.ScoresPerRow;
        predictor.Score(features.AsSpan(0, rows * predictor.Encoder.Width), rows, scores.AsSpan(0, rows * perRow));
        for (var i = 0; i < rows; i++)
        {
            Write(writer, predictor.Manifest, scores.AsSpan(i * perRow, perRow));
        }
    }

    private static void Write(Utf8JsonWriter writer, ModelManifest manifest, ReadOnlySpan<float> scores)
    {
        writer.WriteStartObject();
        switch (manifest.Task)
        {
            case ModelTask.Binary:
                writer.WriteNumber(s_score, scores[0]);
                writer.WriteBoolean(s_label, scores[0] >= 0.5f);
                break;
            case ModelTask.Multiclass:
                var best = System.Numerics.Tensors.TensorPrimitives.IndexOfMax(scores);
                writer.WriteString(s_label, manifest.Classes[best]);
                writer.WriteNumber(s_score, scores[best]);
                writer.WriteStartArray(s_probabilities);
                foreach (var score in scores)
                {
                    writer.WriteNumberValue(score);
                }

                writer.WriteEndArray();
                break;
            default:
                writer.WriteNumber(s_score, scores[0]);
                break;
        }

        writer.WriteEndObject();
    }
}
