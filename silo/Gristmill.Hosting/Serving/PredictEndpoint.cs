using System.Buffers;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.IO.Pipelines;
using Apache.Arrow.Ipc;
using Gristmill.Objects;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Gristmill.Hosting;

/// <summary>
/// POST /predict/{deployment}: rows as JSON or as an Arrow IPC stream. The JSON path decodes straight into the model's
/// feature matrix and calls the engine in this process: no grain call, no table, no allocation that grows with the rows.
/// </summary>
internal sealed class PredictEndpoint(DeploymentRouter router, ObjectStore objects, GristmillOptions options)
{
    private const string ArrowStream = "application/vnd.apache.arrow.stream";
    private const string ArrowFile = "application/vnd.apache.arrow.file";
    private static readonly Meter s_meter = new("Gristmill.Serving");
    private static readonly Counter<long> s_predictions = s_meter.CreateCounter<long>("gristmill.predictions", "{row}", "Rows predicted.");
    private static readonly Histogram<double> s_duration = s_meter.CreateHistogram<double>(
        "gristmill.predict.duration", "s", "Time from the request's first byte to its answer.");

    public static void Map(IEndpointRouteBuilder api, PredictEndpoint endpoint) =>
        api.MapPost("/predict/{deployment}", (string deployment, HttpContext http) => endpoint.HandleAsync(http, deployment))
            .WithTags("Predict").Accepts<object>("application/json", ArrowStream).Produces<object>().ProducesProblem(400).ProducesProblem(404).ProducesProblem(503)
            .WithSummary("Predicts. JSON: {\"rows\":[{...}]}, a bare array of rows or one row. Arrow: an IPC stream (application/vnd.apache.arrow.stream); the answer is of the same kind.");

    public async Task HandleAsync(HttpContext http, string name)
    {
        var start = Stopwatch.GetTimestamp();
        var model = await router.EnterAsync(name, http.RequestAborted);
        try
        {
            var type = http.Request.ContentType;
            var rows = type is not null && (type.StartsWith(ArrowStream, StringComparison.OrdinalIgnoreCase) || type.StartsWith(ArrowFile, StringComparison.OrdinalIgnoreCase))
                ? await PredictArrowAsync(http, model)
                : await PredictJsonAsync(http, model);
            s_predictions.Add(rows, new KeyValuePair<string, object?>("deployment", name));
            s_duration.Record(Stopwatch.GetElapsedTime(start).TotalSeconds, new KeyValuePair<string, object?>("deployment", name));
        }
        finally
        {
            model.Leave();
        }
    }

    private async ValueTask<int> PredictJsonAsync(HttpContext http, LoadedModel model)
    {
        var reader = http.Request.BodyReader;
        ReadResult result;
        while (true)
        {
            result = await reader.ReadAsync(http.RequestAborted);
            if (result.Buffer.Length > options.MaxRequestBytes)
            {
                throw new BadHttpRequestException($"The body is larger than {options.MaxRequestBytes} bytes.", StatusCodes.Status413PayloadTooLarge);
            }

            if (result.IsCompleted)
            {
                break;
            }

            reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }

        var output = PredictionJson.RentOutput();
        byte[]? joined = null;
        try
        {
            int rows;
            if (result.Buffer.IsSingleSegment)
            {
                rows = PredictionJson.Predict(model, result.Buffer.FirstSpan, output);
            }
            else
            {
                var length = checked((int)result.Buffer.Length);
                joined = ArrayPool<byte>.Shared.Rent(length);
                result.Buffer.CopyTo(joined);
                rows = PredictionJson.Predict(model, joined.AsSpan(0, length), output);
            }

            http.Response.ContentType = "application/json";
            http.Response.ContentLength = output.WrittenCount;
            await http.Response.BodyWriter.WriteAsync(output.WrittenMemory, http.RequestAborted);
            return rows;
        }
        finally
        {
            reader.AdvanceTo(result.Buffer.End);
            PredictionJson.ReturnOutput(output);
            if (joined is not null)
            {
                ArrayPool<byte>.Shared.Return(joined);
            }
        }
    }

    private async ValueTask<int> PredictArrowAsync(HttpContext http, LoadedModel model)
    {
        // Bytes from outside are validated in full before any buffer is read; the import is the place that does it.
        using var owning = ObjectOwner.Use("predict");
        var imported = await objects.ImportAsync(http.Request.Body, options.MaxRequestBytes, http.RequestAborted);
        try
        {
            using var lease = objects.Get(imported);
            var rows = 0;
            using var body = new MemoryStream();
            ArrowStreamWriter? writer = null;
            try
            {
                foreach (var batch in lease.Batches)
                {
                    using var predicted = model.Predictor.Predict(batch);
                    writer ??= new ArrowStreamWriter(body, predicted.Schema, leaveOpen: true);
                    await writer.WriteRecordBatchAsync(predicted, http.RequestAborted);
                    rows += batch.Length;
                }

                if (writer is null)
                {
                    throw new GristmillException(ErrorCodes.Invalid, "The Arrow stream has no record batch.", "Send at least one.");
                }

                await writer.WriteEndAsync(http.RequestAborted);
            }
            finally
            {
                writer?.Dispose();
            }

            http.Response.ContentType = ArrowStream;
            http.Response.ContentLength = body.Length;
            await http.Response.Body.WriteAsync(body.GetBuffer().AsMemory(0, (int)body.Length), http.RequestAborted);
            return rows;
        }
        finally
        {
            objects.Delete(imported.Id);
        }
    }
}
