namespace Gristmill.Engines.Core;

/// <summary>core.read-arrow.</summary>
internal static class ReadArrowStage
{
    public static async Task<StageOutputs> RunAsync(StageContext context, CancellationToken cancellationToken)
    {
        var options = context.Options<Options>();
        var path = StagePaths.Resolve(context, options.Path, "an Arrow IPC file");
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
                return StageOutputs.Of(await context.Objects.ImportAsync(stream, options.MaxBytes ?? long.MaxValue, statistics: true, cancellationToken));
            }
            catch (GristmillException e) when (e.Code == ErrorCodes.Corrupt)
            {
                throw new GristmillException(ErrorCodes.FileFormat, $"The file {path} is no sound Arrow IPC file or stream: {e.Message}",
                    "Write it again with an Arrow library.", e).With("file", path);
            }
        }
    }

    /// <summary>Options of core.read-arrow.</summary>
    /// <param name="Path">An Arrow IPC file or stream, relative to the pipeline's base folder or absolute.</param>
    internal sealed record Options(string Path)
    {
        /// <summary>Refused above this many bytes. Default: no limit but the store's.</summary>
        public long? MaxBytes { get; init; }
    }
}
