using System.Buffers;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Gristmill.Hosting;

/// <summary>Reads and writes bodies in Gristmill's JSON, whatever JSON settings the host application has for its own.</summary>
internal static class RestBody
{
    /// <summary>The largest body of JSON that is taken, in bytes. A pipeline of ten thousand stages has a few MiB.</summary>
    public const int MaxBytes = 16 << 20;

    /// <summary>Reads a body.</summary>
    /// <exception cref="GristmillException">
    /// <see cref="ErrorCodes.Invalid"/>: it is not of this shape, and where; <see cref="ErrorCodes.TooLarge"/>: above <see cref="MaxBytes"/>, of which nothing is kept.
    /// </exception>
    public static async ValueTask<T> ReadAsync<T>(HttpContext http)
    {
        if (http.Request.ContentLength > MaxBytes)
        {
            throw TooLarge(http.Request.ContentLength.Value);
        }

        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            // A body that does not say how long it is ends where the limit is.
            size.MaxRequestBodySize = MaxBytes;
        }

        var reader = http.Request.BodyReader;
        while (true)
        {
            var read = await reader.ReadAsync(http.RequestAborted);
            if (read.Buffer.Length > MaxBytes)
            {
                throw TooLarge(read.Buffer.Length);
            }

            if (read.IsCompleted)
            {
                var body = read.Buffer.IsSingleSegment ? read.Buffer.First : read.Buffer.ToArray();
                try
                {
                    return StrictJson.Read<T>(body);
                }
                finally
                {
                    reader.AdvanceTo(read.Buffer.End);
                }
            }

            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    /// <summary>Answers with a value.</summary>
    public static IResult Json<T>(T value, int status = StatusCodes.Status200OK) => Results.Json(value, GristmillJson.Options, statusCode: status);

    private static GristmillException TooLarge(long bytes) => new(ErrorCodes.TooLarge,
        string.Create(CultureInfo.InvariantCulture, $"The body has {bytes:N0} bytes or more."), string.Create(CultureInfo.InvariantCulture, $"JSON has at most {MaxBytes:N0}: send data as files or Arrow."));
}
