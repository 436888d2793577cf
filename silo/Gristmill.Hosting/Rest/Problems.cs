using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Gristmill.Hosting;

/// <summary>Turns errors into RFC 9457 problem details: type, title, status, detail, and our code, hint and details.</summary>
internal static partial class Problems
{
    /// <summary>The HTTP status of each error code; those that are not listed are the server's fault.</summary>
    private static readonly Dictionary<string, int> s_status = new(StringComparer.Ordinal)
    {
        [ErrorCodes.Invalid] = 400,
        [ErrorCodes.Sql] = 400,
        [ErrorCodes.FileNotFound] = 400,
        [ErrorCodes.FileFormat] = 400,
        [ErrorCodes.UnknownColumn] = 400,
        [ErrorCodes.TypeMismatch] = 400,
        [ErrorCodes.BadValue] = 400,
        [ErrorCodes.CheckFailed] = 422,
        [ErrorCodes.ResourceMissing] = 422,
        [ErrorCodes.Corrupt] = 400,
        [ErrorCodes.CodeLoad] = 400,
        [ErrorCodes.ModelFormat] = 422,
        [ErrorCodes.NotExportable] = 422,
        [ErrorCodes.TooLarge] = 413,
        [ErrorCodes.CrossOrigin] = 403,
        [ErrorCodes.CheckpointTooLarge] = 400,
        [ErrorCodes.NotFound] = 404,
        [ErrorCodes.ObjectNotFound] = 404,
        [ErrorCodes.Method] = 405,
        [ErrorCodes.MediaType] = 415,
        [ErrorCodes.Conflict] = 409,
        [ErrorCodes.IdempotencyKeyReused] = 409,
        [ErrorCodes.Cron] = 400,
        [ErrorCodes.TimeZone] = 400,
        [ErrorCodes.Glob] = 400,
        [ErrorCodes.ObjectUnseen] = 400,
        [ErrorCodes.TriggerCycle] = 409,
        [ErrorCodes.StreamProvider] = 400,
        [ErrorCodes.TriggerPaused] = 409,
        [ErrorCodes.WebhookSignature] = 401,
        [ErrorCodes.WebhookExpired] = 401,
        [ErrorCodes.WebhookReplayed] = 409,
        [ErrorCodes.WebhookTooLarge] = 413,
        [ErrorCodes.WebhookTooMany] = 429,
        [ErrorCodes.Partition] = 400,
        [ErrorCodes.SecretMissing] = 400,
        [ErrorCodes.Cancelled] = 499,
        [ErrorCodes.Timeout] = 504,
        [ErrorCodes.HeartbeatTimeout] = 504,
        [ErrorCodes.Overloaded] = 503,
        [ErrorCodes.ObjectUnreachable] = 503,
        [ErrorCodes.SourceUnavailable] = 502,
        [ErrorCodes.SourceChanged] = 409,
        [ErrorCodes.StoreFull] = 507,
    };

    /// <summary>The status of an error.</summary>
    public static int StatusOf(ErrorInfo error) => s_status.GetValueOrDefault(error.Code, StatusCodes.Status500InternalServerError);

    /// <summary>Answers with a problem, unless the response has begun.</summary>
    public static Task WriteAsync(HttpContext http, ErrorInfo error)
    {
        if (http.Response.HasStarted)
        {
            http.Abort();
            return Task.CompletedTask;
        }

        var status = StatusOf(error);
        http.Response.Clear();
        http.Response.StatusCode = status;
        if (status == StatusCodes.Status503ServiceUnavailable)
        {
            http.Response.Headers.RetryAfter = "1";
        }

        var problem = new Problem
        {
            Type = $"urn:gristmill:error:{error.Code}",
            Title = Title(status),
            Status = status,
            Detail = error.Message,
            Code = error.Code,
            Hint = error.Hint,
            Details = error.Details is { Count: > 0 } details ? details : null,
            Instance = http.Request.Path,
        };
        return http.Response.WriteAsJsonAsync(problem, ProblemJson.Default.Problem, "application/problem+json", http.RequestAborted);
    }

    /// <summary>Runs the rest of the pipeline, unless it is a page of another origin that asks, and answers what it throws.</summary>
    public static async Task GuardAsync(HttpContext http, RequestDelegate next, GristmillOptions options, ILogger logger)
    {
        try
        {
            CrossOriginGuard.Check(http.Request, options.TrustedOrigins);
            await next(http);
            if (http.Response is { HasStarted: false, StatusCode: StatusCodes.Status400BadRequest, ContentType: null })
            {
                // A handler's parameter that did not bind: the framework answers with nothing.
                await WriteAsync(http, new ErrorInfo(ErrorCodes.Invalid, $"A value in the address {http.Request.Path}{http.Request.QueryString} is missing or not of its type.",
                    "See /openapi/v1.json for what this address takes."));
            }
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The caller has left; there is nobody to answer.
        }
        catch (BadHttpRequestException e)
        {
            await WriteAsync(http, e.StatusCode == StatusCodes.Status413PayloadTooLarge
                ? new ErrorInfo(ErrorCodes.TooLarge, e.Message, "Send less at once. Gristmill:MaxRequestBytes is the limit of data, 16 MiB that of JSON.")
                : new ErrorInfo(ErrorCodes.Invalid, e.Message));
        }
        catch (JsonException e)
        {
            await WriteAsync(http, new ErrorInfo(ErrorCodes.Invalid, "The body is not the JSON this address takes: " + e.Message,
                "See /openapi/v1.json for its shape."));
        }
        catch (GristmillException e)
        {
            await WriteAsync(http, e.Error);
        }
        catch (Exception e)
        {
            LogUnexpected(logger, e, http.Request.Method, http.Request.Path);
            await WriteAsync(http, GristmillException.Describe(e));
        }
    }

    private static string Title(int status) => status switch
    {
        400 => "Bad request",
        401 => "Unauthorized",
        429 => "Too many requests",
        404 => "Not found",
        405 => "Method not allowed",
        415 => "Unsupported media type",
        409 => "Conflict",
        413 => "Too large",
        422 => "Unprocessable",
        499 => "Cancelled",
        503 => "Overloaded",
        504 => "Timed out",
        507 => "Out of space",
        _ => string.Create(CultureInfo.InvariantCulture, $"Server error {status}"),
    };

    [LoggerMessage(Level = LogLevel.Error, Message = "{Method} {Path} failed")]
    private static partial void LogUnexpected(ILogger logger, Exception exception, string method, PathString path);
}

/// <summary>RFC 9457 problem details with our members.</summary>
public sealed record Problem
{
    /// <summary>urn:gristmill:error:CODE.</summary>
    public string? Type { get; init; }
    /// <summary>The status in words.</summary>
    public string? Title { get; init; }
    /// <summary>The HTTP status.</summary>
    public int Status { get; init; }
    /// <summary>What was wrong with which value.</summary>
    public string? Detail { get; init; }
    /// <summary>The path of the request.</summary>
    public string? Instance { get; init; }
    /// <summary>The stable error code.</summary>
    public string? Code { get; init; }
    /// <summary>What to do.</summary>
    public string? Hint { get; init; }
    /// <summary>Machine-readable details.</summary>
    public IReadOnlyDictionary<string, string>? Details { get; init; }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Problem))]
internal sealed partial class ProblemJson : JsonSerializerContext;
