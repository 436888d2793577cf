using System.Net.Http.Headers;
using System.Text.Json;

namespace Gristmill.Client;

// Predictions, and the upload of users' assemblies.
public sealed partial class GristmillClient
{
    private static readonly JsonSerializerOptions Rows = new(JsonSerializerDefaults.General)
    {
        Converters = { new System.Text.Json.Serialization.JsonStringEnumConverter() },
    };

    private static readonly MediaTypeHeaderValue JsonType = new("application/json");
    private static readonly MediaTypeHeaderValue ArrowType = new("application/vnd.apache.arrow.stream");
    private static readonly MediaTypeHeaderValue ZipType = new("application/zip");

    /// <summary>Predicts rows.</summary>
    /// <typeparam name="T">An anonymous type, record or dictionary whose members are named as the model's columns.</typeparam>
    /// <param name="deployment">The deployment.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public Task<PredictionResult> PredictAsync<T>(string deployment, IEnumerable<T> rows, CancellationToken cancellationToken = default) =>
        PredictJsonAsync(deployment, JsonSerializer.SerializeToUtf8Bytes(new { rows }, Rows), cancellationToken);

    /// <summary>Predicts one row.</summary>
    /// <typeparam name="T">An anonymous type, record or dictionary whose members are named as the model's columns.</typeparam>
    /// <param name="deployment">The deployment.</param>
    /// <param name="row">The row.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public async Task<Prediction> PredictOneAsync<T>(string deployment, T row, CancellationToken cancellationToken = default)
    {
        var result = await PredictAsync(deployment, [row], cancellationToken);
        return result.Predictions is [var prediction]
            ? prediction
            : throw new GristmillException(ErrorCodes.Internal, $"One row was sent and {result.Predictions.Length} predictions came back.");
    }

    /// <summary>Predicts rows given as JSON: {"rows":[...]}, an array of objects, or one object.</summary>
    public async Task<PredictionResult> PredictJsonAsync(string deployment, ReadOnlyMemory<byte> json, CancellationToken cancellationToken = default)
    {
        using var response = await PostAsync($"predict/{Escape(deployment)}", () => new ReadOnlyMemoryContent(json), JsonType, cancellationToken);
        return await RestTransport.ReadAsync<PredictionResult>(response, cancellationToken);
    }

    /// <summary>Predicts rows given as an Arrow IPC stream, and returns the predictions as one.</summary>
    public async Task<byte[]> PredictArrowAsync(string deployment, ReadOnlyMemory<byte> stream, CancellationToken cancellationToken = default)
    {
        using var response = await PostAsync($"predict/{Escape(deployment)}", () => new ReadOnlyMemoryContent(stream), ArrowType, cancellationToken);
        return await response.Content.ReadAsByteArrayAsync(cancellationToken);
    }

    /// <summary>Uploads assemblies that stages call; the same content again gives the same digest.</summary>
    /// <param name="archive">A zip archive with the entry assembly at its top.</param>
    /// <param name="entryAssembly">File name of the assembly that holds the pipeline, such as "pipeline.dll".</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public async Task<CodeRef> UploadCodeAsync(ReadOnlyMemory<byte> archive, string entryAssembly, CancellationToken cancellationToken = default)
    {
        using var response = await PostAsync($"code?entry={Escape(entryAssembly)}", () => new ReadOnlyMemoryContent(archive), ZipType, cancellationToken);
        return await RestTransport.ReadAsync<CodeRef>(response, cancellationToken);
    }

    // These change nothing that a second time would change again, so they are repeated like the others.
    private Task<HttpResponseMessage> PostAsync(string path, Func<HttpContent> content, MediaTypeHeaderValue type, CancellationToken cancellationToken) =>
        _rest.SendAsync(() =>
        {
            var request = new HttpRequestMessage(HttpMethod.Post, _rest.Address(path)) { Content = content() };
            request.Content.Headers.ContentType = type;
            if (ReferenceEquals(type, ArrowType))
            {
                request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(ArrowType.MediaType!));
            }

            return request;
        }, true, HttpCompletionOption.ResponseContentRead, cancellationToken);
}
