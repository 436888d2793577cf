using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.StaticFiles;
using Microsoft.Net.Http.Headers;

namespace Gristmill.Hosting;

/// <summary>
/// The web console's files, which the build makes from the folder console/ and puts into this assembly. They hold no data: all that
/// the console shows it asks of REST, with what the browser is allowed to.
/// </summary>
internal static class ConsoleFiles
{
    private const string Prefix = "console/";
    private const string Page = "index.html";

    /// <summary>Nothing runs, styles or is asked but what this host gives; no other page may frame the console.</summary>
    private const string Policy = "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private static readonly FileExtensionContentTypeProvider s_types = new();

    /// <summary>Maps the console; a host whose build left it out has nothing there.</summary>
    /// <param name="app">The application.</param>
    /// <param name="path">Where, such as "/console".</param>
    public static void Map(WebApplication app, string path)
    {
        var files = typeof(ConsoleFiles).Assembly.GetManifestResourceNames().Where(static name => name.StartsWith(Prefix, StringComparison.Ordinal))
            .ToDictionary(static name => name[Prefix.Length..], Read, StringComparer.Ordinal);
        if (!files.ContainsKey(Page))
        {
            return;
        }

        app.MapGet(path + "/{**file}", (string? file, HttpContext http) =>
        {
            if (file is null && !http.Request.Path.Value!.EndsWith('/'))
            {
                // Addresses in the page are relative to its folder.
                return Results.Redirect(http.Request.PathBase + path + "/");
            }

            var name = string.IsNullOrEmpty(file) ? Page : file;
            if (!files.TryGetValue(name, out var found))
            {
                return Results.NotFound();
            }

            http.Response.Headers.XContentTypeOptions = "nosniff";
            http.Response.Headers.ContentSecurityPolicy = Policy;
            http.Response.Headers["Referrer-Policy"] = "no-referrer";
            // The names of all but the page hold their content's hash.
            http.Response.Headers.CacheControl = name == Page ? "no-cache" : "public, max-age=31536000, immutable";
            return Results.Bytes(found.Content, found.Type, entityTag: found.Tag);
        }).ExcludeFromDescription();
    }

    private static (byte[] Content, string Type, EntityTagHeaderValue Tag) Read(string resource)
    {
        using var stream = typeof(ConsoleFiles).Assembly.GetManifestResourceStream(resource)!;
        var content = new byte[stream.Length];
        stream.ReadExactly(content);
        var type = s_types.TryGetContentType(resource, out var known) ? known : "application/octet-stream";
        return (content, type.StartsWith("text/", StringComparison.Ordinal) ? type + "; charset=utf-8" : type,
            new EntityTagHeaderValue($"\"{Convert.ToHexStringLower(SHA256.HashData(content).AsSpan(0, 16))}\""));
    }
}
