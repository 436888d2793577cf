namespace Gristmill.Engines.Core;

/// <summary>core.read-arrow.</summary>
internal static class ReadArrowStage
{
    public static async Task<StageOutputs> RunAsync(StageContext context, CancellationToken cancellationToken)
    {
        var options = context.Options<Options>();
        var path = Resolve(context, options.Path);
        context.Report(null, $"reading {Path.GetFileName(path)}");
        FileStream stream;
        try
        {
            stream = new FileStream(path, new FileStreamOptions
            {
                Access = FileAccess.Read,
                Share = FileShare.Read,
                BufferSize = 1 << 20,
                Options = FileOptions.Asynchronous | FileOptions.SequentialScan,
            });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new GristmillException(ErrorCodes.FileNotFound, $"The file {path} cannot be opened: {e.Message}", "Look at the path and at who may read it.", e).With("file", path);
        }

        await using (stream)
        {
            try
            {
                return StageOutputs.Of(await context.Objects.ImportAsync(stream, options.MaxBytes ?? long.MaxValue, cancellationToken));
            }
            catch (GristmillException e) when (e.Code == ErrorCodes.Corrupt)
            {
                throw new GristmillException(ErrorCodes.FileFormat, $"The file {path} is no sound Arrow IPC file or stream: {e.Message}",
                    "Write it again with an Arrow library.", e).With("file", path);
            }
        }
    }

    private static string Resolve(StageContext context, string path)
    {
        if (string.IsNullOrWhiteSpace(path) || path.Contains('\0'))
        {
            throw new GristmillException(ErrorCodes.Invalid, $"Stage '{context.Request.Stage}': its path is empty.", "Give the path of an Arrow IPC file.");
        }

        if (!Path.IsPathFullyQualified(path) && context.BaseDirectory is null)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"Stage '{context.Request.Stage}': the path '{path}' is relative, and there is no folder it is relative to.",
                "Give an absolute path.").With("file", path);
        }

        return context.BaseDirectory is null ? Path.GetFullPath(path) : Path.GetFullPath(path, context.BaseDirectory);
    }

    /// <summary>Options of core.read-arrow.</summary>
    /// <param name="Path">An Arrow IPC file or stream, relative to the pipeline's base folder or absolute.</param>
    internal sealed record Options(string Path)
    {
        /// <summary>Refused above this many bytes. Default: no limit but the store's.</summary>
        public long? MaxBytes { get; init; }
    }
}
