namespace Gristmill.Engines.Core;

/// <summary>core.import-file.</summary>
internal static class ImportFileStage
{
    public static StageOutputs Run(StageContext context, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var path = StagePaths.Resolve(context, context.Options<Options>().Path, "a file");
        context.Report(null, $"taking in {Path.GetFileName(path)}");
        try
        {
            var file = context.SaveFile(path);
            return new StageOutputs().Add("out", Artifact.Of(file));
        }
        catch (Exception e) when (e is UnauthorizedAccessException)
        {
            throw new GristmillException(ErrorCodes.FileNotFound, $"The file {path} cannot be read: {e.Message}", "Look at who may read it.", e).With("file", path);
        }
    }

    /// <summary>Options of core.import-file.</summary>
    /// <param name="Path">The file, relative to the pipeline's base folder or absolute.</param>
    internal sealed record Options(string Path);
}
