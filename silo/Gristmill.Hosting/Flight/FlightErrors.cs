using System.Text.Json;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Gristmill.Hosting;

/// <summary>Turns errors into gRPC's status, with the code in the trailer "gristmill-code" and the whole error as JSON in "gristmill-error-bin".</summary>
internal static partial class FlightErrors
{
    public const string CodeTrailer = "gristmill-code";
    public const string ErrorTrailer = "gristmill-error-bin";

    /// <summary>Clients refuse trailers of some KiB, and then show neither code nor message.</summary>
    private const int MaxMessage = 1500, MaxError = 3000;

    /// <summary>Runs a call and says what went wrong.</summary>
    public static async Task GuardAsync(ServerCallContext call, ILogger logger, Func<Task> run)
    {
        try
        {
            await run();
        }
        catch (Exception e) when (e is OperationCanceledException || call.CancellationToken.IsCancellationRequested)
        {
            // The caller has left, or its deadline has passed, whatever that looked like from inside.
            throw new RpcException(new Status(StatusCode.Cancelled, "The call was cancelled.", e));
        }
        catch (GristmillException e)
        {
            throw Status(e.Error);
        }
        catch (Exception e) when (e is not RpcException)
        {
            LogUnexpected(logger, e, call.Method);
            throw Status(GristmillException.Describe(e));
        }
    }

    public static RpcException Status(ErrorInfo error)
    {
        var message = error.Hint is { } hint ? $"{error.Message} {hint}" : error.Message;
        var json = JsonSerializer.SerializeToUtf8Bytes(error, GristmillJson.Options);
        if (json.Length > MaxError)
        {
            json = JsonSerializer.SerializeToUtf8Bytes(new ErrorInfo(error.Code, Short(error.Message), error.Hint is { } text ? Short(text) : null), GristmillJson.Options);
        }

        var trailers = new Metadata { { CodeTrailer, error.Code } };
        if (json.Length <= 2 * MaxError)
        {
            trailers.Add(ErrorTrailer, json);
        }

        return new RpcException(new Status(CodeOf(error), Short(message)), trailers);
    }

    private static string Short(string text) => text.Length <= MaxMessage ? text : text[..MaxMessage] + "...";

    /// <summary>As REST answers, in gRPC's words.</summary>
    private static StatusCode CodeOf(ErrorInfo error) => Problems.StatusOf(error) switch
    {
        StatusCodes.Status400BadRequest or StatusCodes.Status415UnsupportedMediaType or StatusCodes.Status422UnprocessableEntity => StatusCode.InvalidArgument,
        StatusCodes.Status401Unauthorized => StatusCode.Unauthenticated,
        StatusCodes.Status403Forbidden => StatusCode.PermissionDenied,
        StatusCodes.Status404NotFound => StatusCode.NotFound,
        StatusCodes.Status405MethodNotAllowed => StatusCode.Unimplemented,
        StatusCodes.Status409Conflict => StatusCode.FailedPrecondition,
        StatusCodes.Status413PayloadTooLarge or StatusCodes.Status429TooManyRequests or StatusCodes.Status507InsufficientStorage => StatusCode.ResourceExhausted,
        StatusCodes.Status499ClientClosedRequest => StatusCode.Cancelled,
        StatusCodes.Status503ServiceUnavailable => StatusCode.Unavailable,
        StatusCodes.Status504GatewayTimeout => StatusCode.DeadlineExceeded,
        _ => StatusCode.Internal,
    };

    [LoggerMessage(Level = LogLevel.Error, Message = "{Method} failed")]
    private static partial void LogUnexpected(ILogger logger, Exception exception, string method);
}
