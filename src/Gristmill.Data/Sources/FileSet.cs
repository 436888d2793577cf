using System.Text;
using System.Text.RegularExpressions;
using Gristmill.Data.Sources.Remote;

namespace Gristmill.Data.Sources;

/// <summary>A file and its length.</summary>
/// <param name="Path">Where it is read.</param>
/// <param name="Bytes">Its length.</param>
internal sealed record SourceFile(string Path, long Bytes)
{
    /// <summary>What it is called: its path, or where it was fetched from.</summary>
    public string Name { get; init; } = Path;
}

/// <summary>Finds the files that names, folders and patterns stand for.</summary>
internal static class FileSet
{
    /// <summary>The files, those of a folder or pattern in the order of their names.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.FileNotFound"/>, naming what was not found.</exception>
    public static IReadOnlyList<SourceFile> Find(FileRead read, string? baseDirectory)
    {
        var files = new List<SourceFile>();
        var known = new HashSet<string>(StringComparer.Ordinal);
        foreach (var path in read.Paths)
        {
            if (Addresses.Is(path))
            {
                // Found on its server, once the flow is executed.
                files.Add(new SourceFile(path, 0) { Name = Addresses.Show(path) });
                continue;
            }

            foreach (var file in Find(path, baseDirectory, read.Options.Format))
            {
                if (known.Add(file))
                {
                    files.Add(new SourceFile(file, new FileInfo(file).Length));
                }
            }
        }

        return files;
    }

    /// <summary>A path from the base folder.</summary>
    public static string Full(string path, string? baseDirectory)
    {
        if (Addresses.Is(path))
        {
            throw new GristmillException(ErrorCodes.Invalid, $"'{Addresses.Show(path)}' is an address, and this is read from or written to a folder.", "Give a file's name.");
        }

        if (string.IsNullOrWhiteSpace(path) || path.Contains('\0', StringComparison.Ordinal))
        {
            throw new GristmillException(ErrorCodes.Invalid, $"'{path.Replace("\0", "\\0", StringComparison.Ordinal)}' is no file name.", "Give an absolute path, or one from the base folder.");
        }

        return baseDirectory is null ? Path.GetFullPath(path) : Path.GetFullPath(path, Path.GetFullPath(baseDirectory));
    }

    private static IReadOnlyList<string> Find(string path, string? baseDirectory, FileFormat? format)
    {
        var full = Full(path, baseDirectory);
        if (File.Exists(full))
        {
            return [full];
        }

        if (Directory.Exists(full))
        {
            return OfFolder(full, Directory.EnumerateFiles(full, "*", SearchOption.AllDirectories), format);
        }

        var pattern = full.AsSpan().IndexOfAny("*?[");
        if (pattern < 0)
        {
            throw NotFound(full, "does not exist", "Relative paths start at the base folder of the flow's options, or at the process's folder.");
        }

        var start = full.LastIndexOf(Path.DirectorySeparatorChar, pattern);
        var folder = start <= 0 ? "/" : full[..start];
        return Matching(full, Directory.Exists(folder)
            ? Directory.EnumerateFiles(folder, "*", full.AsSpan(start + 1).Contains(Path.DirectorySeparatorChar) ? SearchOption.AllDirectories : SearchOption.TopDirectoryOnly)
            : []);
    }

    /// <summary>Files whose names a pattern fits, in the order of their names.</summary>
    public static IReadOnlyList<string> Matching(string pattern, IEnumerable<string> files)
    {
        var matching = new Regex(Expression(pattern), RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
        List<string> found = [.. files.Where(file => matching.IsMatch(file)).Order(StringComparer.Ordinal)];
        return found.Count > 0 ? found : throw NotFound(pattern, "matches no file", "Look whether the files are there, and how their names are written.");
    }

    /// <summary>Files to read among those of a folder and below, in the order of their names. As Spark and its kin have it: names that begin with . or _ are no data.</summary>
    public static IReadOnlyList<string> OfFolder(string folder, IEnumerable<string> all, FileFormat? format)
    {
        var start = Path.TrimEndingDirectorySeparator(folder).Length + 1;
        var files = all.Where(file => !file[start..].Split(Path.DirectorySeparatorChar).Any(static part => part.StartsWith('.') || part.StartsWith('_')))
            .Order(StringComparer.Ordinal).ToList();
        if (format is null)
        {
            var formats = files.Select(FileFormats.Of).Where(static f => f is not null).Distinct().ToList();
            if (formats.Count > 1)
            {
                throw new GristmillException(ErrorCodes.Invalid, $"The folder '{folder}' has files of several formats: {string.Join(", ", formats)}.",
                    "Name those to read with a pattern, such as FOLDER/*.parquet.").With("file", folder);
            }

            files = [.. files.Where(static file => FileFormats.Of(file) is not null)];
        }
        else if (files.Exists(file => FileFormats.Of(file) == format))
        {
            files = [.. files.Where(file => FileFormats.Of(file) == format)];
        }

        return files.Count > 0 ? files : throw NotFound(folder, "is a folder without files to read", "Look whether the files are there; names that begin with . or _ are passed over.");
    }

    private static string Expression(string pattern)
    {
        var expression = new StringBuilder("^");
        for (var i = 0; i < pattern.Length; i++)
        {
            if (pattern.AsSpan(i).StartsWith("**/"))
            {
                expression.Append("(?:.*/)?");
                i += 2;
            }
            else if (pattern.AsSpan(i).StartsWith("**"))
            {
                expression.Append(".*");
                i++;
            }
            else if (pattern[i] == '[' && pattern.IndexOf(']', i + 1) is > 0 and var end)
            {
                var set = pattern[(i + 1)..end].Replace("\\", "\\\\", StringComparison.Ordinal).Replace("[", "\\[", StringComparison.Ordinal);
                expression.Append('[').Append(set.StartsWith('!') ? $"^{set[1..]}" : set).Append(']');
                i = end;
            }
            else
            {
                expression.Append(pattern[i] switch { '*' => "[^/]*", '?' => "[^/]", var c => Regex.Escape(c.ToString()) });
            }
        }

        return expression.Append('$').ToString();
    }

    public static GristmillException NotFound(string path, string what, string hint) =>
        new GristmillException(ErrorCodes.FileNotFound, $"'{path}' {what}.", hint).With("file", path);
}
