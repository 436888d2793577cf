using System.Collections.Immutable;
using System.Text.Json;

namespace Gristmill.Grains.Runs;

/// <summary>
/// <see cref="StageOperations.Register"/>: registers input "model" (or the only model among the inputs) under option
/// "name". The version keeps the numbers of option "metrics", of all metrics inputs, and of the stages that the model came
/// from or was judged by. Outputs: "out", the model, and "metrics" with "version".
/// </summary>
internal static class ModelRegistration
{
    public static async Task<StageResult> RunAsync(StageRequest request, IGrainFactory grains)
    {
        var (name, metrics) = Read(request);
        foreach (var input in request.Inputs.OrderBy(static input => input.Key, StringComparer.Ordinal))
        {
            foreach (var metric in input.Value.Metrics ?? ImmutableDictionary<string, double>.Empty)
            {
                metrics[metric.Key] = metric.Value;
            }
        }

        var model = Model(request);
        var version = await grains.GetGrain<IModelGrain>(name).RegisterAsync(new RegisterModelRequest
        {
            Model = model.Model!,
            IdempotencyKey = $"{request.RunId}/{request.Stage}",
            RunId = request.RunId,
            Stage = request.Stage,
            Metrics = metrics.ToImmutable(),
        });
        return new StageResult
        {
            Outputs = ImmutableDictionary<string, Artifact>.Empty
                .Add("out", model)
                .Add("metrics", Artifact.Of(ImmutableDictionary<string, double>.Empty.Add("version", version.Version))),
        };
    }

    private static Artifact Model(StageRequest request)
    {
        if (request.Inputs.TryGetValue("model", out var named) && named.Kind == ArtifactKind.Model)
        {
            return named;
        }

        var models = request.Inputs.Values.Where(static input => input.Kind == ArtifactKind.Model).ToList();
        return models.Count == 1
            ? models[0]
            : throw new GristmillException(
                ErrorCodes.Invalid, $"Stage '{request.Stage}' registers a model and has {models.Count} model inputs, none called 'model'.", "Give it one input 'model'.");
    }

    private static (string Name, ImmutableDictionary<string, double>.Builder Metrics) Read(StageRequest request)
    {
        using var options = JsonDocument.Parse(request.Options);
        var root = options.RootElement;
        var name = root.TryGetProperty("name", out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        GristmillName.Require(name, "model");
        var metrics = ImmutableDictionary.CreateBuilder<string, double>(StringComparer.Ordinal);
        if (root.TryGetProperty("metrics", out var given) && given.ValueKind == JsonValueKind.Object)
        {
            foreach (var metric in given.EnumerateObject().Where(static m => m.Value.ValueKind == JsonValueKind.Number))
            {
                metrics[metric.Name] = metric.Value.GetDouble();
            }
        }

        return (name!, metrics);
    }
}
