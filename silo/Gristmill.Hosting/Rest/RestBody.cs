using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Gristmill.Hosting;

/// <summary>Reads and writes bodies in Gristmill's JSON, whatever JSON settings the host application has for its own.</summary>
internal static class RestBody
{
    /// <summary>Reads a body.</summary>
    /// <exception cref="JsonException">It is not of this shape.</exception>
    public static async ValueTask<T> ReadAsync<T>(HttpContext http) =>
        await JsonSerializer.DeserializeAsync<T>(http.Request.Body, GristmillJson.Options, http.RequestAborted)
        ?? throw new JsonException("the body is null");

    /// <summary>Answers with a value.</summary>
    public static IResult Json<T>(T value, int status = StatusCodes.Status200OK) => Results.Json(value, GristmillJson.Options, statusCode: status);
}
