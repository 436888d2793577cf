namespace Gristmill.Engines.Core;

/// <summary>Paths in options.</summary>
internal static class StagePaths
{
    /// <summary>The full path of a file that options name, relative to the pipeline's base folder or absolute.</summary>
    /// <param name="context">The attempt.</param>
    /// <param name="path">As the options have it.</param>
    /// <param name="what">What it is the path of, such as "an Arrow IPC file".</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/></exception>
    public static string Resolve(StageContext context, string path, string what)
    {
        if (string.IsNullOrWhiteSpace(path) || path.Contains('\0'))
        {
            throw new GristmillException(ErrorCodes.Invalid, $"Stage '{context.Request.Stage}': its path is empty.", $"Give the path of {what}.");
        }

        if (!Path.IsPathFullyQualified(path) && context.BaseDirectory is null)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"Stage '{context.Request.Stage}': the path '{path}' is relative, and there is no folder it is relative to.",
                "Give an absolute path.").With("file", path);
        }

        return context.BaseDirectory is null ? Path.GetFullPath(path) : Path.GetFullPath(path, context.BaseDirectory);
    }
}
