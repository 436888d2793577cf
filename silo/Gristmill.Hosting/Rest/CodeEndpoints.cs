using System.IO.Compression;
using Gristmill.Objects;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Gristmill.Hosting;

/// <summary>Users' assemblies: uploaded as a zip archive, kept by digest.</summary>
internal static class CodeEndpoints
{
    /// <summary>Files of one upload; a pipeline ships its own assembly and what it brings along.</summary>
    private const int MaxFiles = 2000;

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
                await ExtractAsync(archivePath, staged, options.MaxRequestBytes * 4, http.RequestAborted);
                if (!File.Exists(Path.Combine(staged, entry)))
                {
                    throw new GristmillException(ErrorCodes.Invalid, $"The archive has no '{entry}'.", "The entry assembly lies at the top of the archive.");
                }

                var (digest, _) = content.Commit(staged);
                return RestBody.Json(new CodeRef(digest, entry));
            }
            finally
            {
                File.Delete(archivePath);
            }
        }).WithTags("Code").Accepts<byte[]>("application/zip").Produces<CodeRef>().ProducesProblem(400)
          .WithSummary("Uploads a pipeline's assemblies as a zip archive; the same content again gives the same digest.");

    private static async Task ExtractAsync(string archivePath, string folder, long maxBytes, CancellationToken cancellationToken)
    {
        ZipArchive archive;
        try
        {
            archive = await ZipFile.OpenReadAsync(archivePath, cancellationToken);
        }
        catch (InvalidDataException e)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"The body is not a zip archive: {e.Message}", null, e);
        }

        await using (archive)
        {
            if (archive.Entries.Count > MaxFiles)
            {
                throw new GristmillException(ErrorCodes.Invalid, $"The archive has {archive.Entries.Count} files.", $"At most {MaxFiles} are taken.");
            }

            long total = 0;
            foreach (var item in archive.Entries.Where(e => e.Name.Length > 0))
            {
                var target = Path.GetFullPath(Path.Combine(folder, item.FullName));
                if (!target.StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal))
                {
                    throw new GristmillException(ErrorCodes.Invalid, $"The archive's file '{item.FullName}' lies outside of it.", "Use relative paths without '..'.");
                }

                Directory.CreateDirectory(Path.GetDirectoryName(target)!);
                await using var source = await item.OpenAsync(cancellationToken);
                await using var sink = new FileStream(target, FileMode.CreateNew, FileAccess.Write);
                var buffer = new byte[81920];
                int read;
                // Counted while inflating: the sizes an archive claims are not to be believed.
                while ((read = await source.ReadAsync(buffer, cancellationToken)) > 0)
                {
                    total += read;
                    if (total > maxBytes)
                    {
                        throw new GristmillException(ErrorCodes.Invalid, $"The archive is larger than {maxBytes} bytes unpacked.", "Ship the pipeline's own assemblies only.");
                    }

                    await sink.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
                }
            }
        }
    }
}
