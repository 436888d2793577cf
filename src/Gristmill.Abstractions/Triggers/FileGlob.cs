using System.IO.Enumeration;

namespace Gristmill;

/// <summary>A pattern of files: an absolute folder, perhaps <c>**</c> for all folders below it, and a name with <c>*</c> and <c>?</c>.</summary>
/// <param name="Folder">The folder that is looked into.</param>
/// <param name="Recursive">Whether folders below it are, too.</param>
/// <param name="Name">The pattern of names; case counts.</param>
public sealed record FileGlob(string Folder, bool Recursive, string Name)
{
    private const int MaxLength = 1024;

    private static readonly string[] Unfinished = [".tmp", ".part", ".partial", ".crdownload", ".filepart", "~"];

    /// <summary>What is wrong with a pattern, or null.</summary>
    public static string? Problem(string? pattern)
    {
        if (string.IsNullOrEmpty(pattern) || pattern.Length > MaxLength || pattern.AsSpan().IndexOfAnyInRange('\0', '\u001f') >= 0)
        {
            return $"a pattern has 1 to {MaxLength} characters and none that control a terminal";
        }

        if (!Path.IsPathFullyQualified(pattern))
        {
            return $"'{pattern}' is not absolute";
        }

        var parts = pattern.Split('/', '\\');
        if (parts[^1].Length == 0 || parts[^1] is "." or ".." or "**")
        {
            return $"'{pattern}' names no files; end it with a name such as *.parquet";
        }

        var folders = parts[..^1];
        var stars = Array.FindIndex(folders, static part => part.AsSpan().IndexOfAny('*', '?') >= 0);
        return folders.Any(static part => part is "." or "..") ? $"'{pattern}' goes through '.' or '..'"
            : parts.Any(static part => part.AsSpan().IndexOfAny("[]{}") >= 0) ? $"'{pattern}' has brackets, which stand for nothing here; use * and ?"
            : stars >= 0 && (folders[stars] != "**" || stars != folders.Length - 1) ? $"'{pattern}' has a pattern in a folder's name; only '**' as the last folder is possible"
            : parts[^1].Contains("**", StringComparison.Ordinal) ? $"'{pattern}' has '**' inside a name"
            : null;
    }

    /// <summary>Takes a pattern apart.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Glob"/></exception>
    public static FileGlob Parse(string pattern)
    {
        if (Problem(pattern) is { } problem)
        {
            throw new GristmillException(ErrorCodes.Glob, $"The pattern is not valid: {problem}.", "Write it as /folder/*.parquet or /folder/**/*.parquet.");
        }

        var folder = Path.GetDirectoryName(pattern)!;
        var recursive = Path.GetFileName(folder) == "**";
        return new FileGlob(recursive ? Path.GetDirectoryName(folder)! : folder, recursive, Path.GetFileName(pattern));
    }

    /// <summary>Whether a file's name fits and does not say that its writer is still at it.</summary>
    public bool Matches(ReadOnlySpan<char> name)
    {
        if (name.Length == 0 || name[0] is '.' or '_')
        {
            return false;
        }

        foreach (var ending in Unfinished)
        {
            if (name.EndsWith(ending, StringComparison.OrdinalIgnoreCase))
            {
                return false;
            }
        }

        return FileSystemName.MatchesSimpleExpression(Name, name, ignoreCase: false);
    }
}
