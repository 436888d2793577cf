using Gristmill.Objects;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Gristmill.Hosting;

/// <summary>Users' assemblies: uploaded as a zip archive, kept by digest.</summary>
internal static class CodeEndpoints
{
    public static void Map(IEndpointRouteBuilder api, GristmillOptions options) =>
        api.MapPost("/code", async (string entry, HttpContext http, ContentStore content) =>
        {
            if (entry.Length is 0 or > 128 || Path.GetFileName(entry) != entry || !entry.EndsWith(".dll", StringComparison.Ordinal))
            {
                throw new GristmillException(ErrorCodes.Invalid, $"entry is '{entry}'.", "Name the pipeline's assembly, such as pipeline.dll.");
            }

            var archivePath = Path.Combine(Path.GetTempPath(), $"gristmill-upload-{Guid.NewGuid():n}.zip");
            try
            {
                await using (var file = new FileStream(archivePath, FileMode.CreateNew, FileAccess.Write))
                {
                    await http.Request.Body.CopyToAsync(file, http.RequestAborted);
                }

                var staged = content.Stage();
                try
                {
                    await CodeArchiveReader.ExtractAsync(archivePath, staged, options.MaxRequestBytes * 4, http.RequestAborted);
                    if (!File.Exists(Path.Combine(staged, entry)))
                    {
                        throw new GristmillException(ErrorCodes.Invalid, $"The archive has no '{entry}'.", "The entry assembly lies at the top of the archive.");
                    }

                    var (digest, _) = content.Commit(staged);
                    return RestBody.Json(new CodeRef(digest, entry));
                }
                catch
                {
                    // What is refused leaves nothing; committing took the folder away.
                    if (Directory.Exists(staged))
                    {
                        Directory.Delete(staged, recursive: true);
                    }

                    throw;
                }
            }
            finally
            {
                File.Delete(archivePath);
            }
        }).WithTags("Code").Accepts<byte[]>("application/zip").Produces<CodeRef>().ProducesProblem(400)
          .WithSummary("Uploads a pipeline's assemblies as a zip archive; the same content again gives the same digest.");
}
