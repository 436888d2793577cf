using System.Collections.Frozen;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Gristmill.Worker;

/// <summary>
/// Stamps the files outside of the store that an operation reads, by path, size and time of the last change: reading gigabytes
/// to learn that they are the same would cost what the cache saves.
/// </summary>
internal static class SourceStamps
{
    private const int MostFiles = 10_000;
    private const int MostShown = 16;

    /// <summary>Operations that read files, all of them named by the option "path".</summary>
    private static readonly FrozenSet<string> Readers = FrozenSet.Create(StringComparer.Ordinal, StageOperations.SqlRead, StageOperations.ArrowRead, StageOperations.ImportOnnx, StageOperations.ImportFile);

    /// <summary>Adds the files' stamps.</summary>
    /// <returns>Why they cannot be stamped, or null.</returns>
    public static string? Add(IDictionary<string, string> parts, string operation, JsonElement options, string? baseDirectory, CancellationToken cancellationToken)
    {
        if (!Readers.Contains(operation) || !options.TryGetProperty("path", out var path))
        {
            return null;
        }

        var given = path.ValueKind switch
        {
            JsonValueKind.String => [path.GetString()!],
            JsonValueKind.Array => path.EnumerateArray().Where(static item => item.ValueKind == JsonValueKind.String).Select(static item => item.GetString()!).ToList(),
            _ => new List<string>(),
        };
        var files = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var item in given)
        {
            if (item.Contains("://", StringComparison.Ordinal))
            {
                return $"'{item}' is not a file of this host, so it cannot be seen whether it has changed";
            }

            if (item.Length == 0 || item.Contains('\0', StringComparison.Ordinal) || (baseDirectory is null && !Path.IsPathFullyQualified(item)))
            {
                return "its path names no file";
            }

            foreach (var file in Expand(baseDirectory is null ? Path.GetFullPath(item) : Path.GetFullPath(item, baseDirectory)))
            {
                cancellationToken.ThrowIfCancellationRequested();
                files.Add(file);
                if (files.Count > MostFiles)
                {
                    return $"it reads more than {MostFiles} files, which are too many to look at";
                }
            }
        }

        var rest = new StringBuilder();
        foreach (var (file, index) in files.Select(static (file, index) => (file, index)))
        {
            if (Stamp(file) is not { } stamp)
            {
                return $"'{file}' cannot be looked at";
            }

            if (index < MostShown)
            {
                parts[$"file {file}"] = stamp;
            }
            else
            {
                rest.Append(file).Append('\n').Append(stamp).Append('\n');
            }
        }

        if (rest.Length > 0)
        {
            parts["more files"] = $"{files.Count - MostShown} files {PipelineVersion.Digest(rest.ToString())[..32]}";
        }

        return null;
    }

    private static string? Stamp(string file)
    {
        var info = new FileInfo(file);
        return info.Exists
            ? string.Create(CultureInfo.InvariantCulture, $"{info.Length} bytes of {info.LastWriteTimeUtc:yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'}")
            : null;
    }

    /// <summary>The files of a path with *, ** and ?, as DuckDB takes them; a file of that very name is meant itself.</summary>
    internal static IEnumerable<string> Expand(string path)
    {
        if (File.Exists(path) || path.AsSpan().IndexOfAny("*?[") is var first && first < 0)
        {
            return [path];
        }

        var root = Path.GetDirectoryName(path[..path.AsSpan().IndexOfAny("*?[")] + "x")!;
        if (!Directory.Exists(root))
        {
            return [];
        }

        var pattern = new Regex("^" + Pattern(path) + "$", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
        var depth = path[root.Length..].Count(static c => c == Path.DirectorySeparatorChar);
        return Directory.EnumerateFiles(root, "*", new EnumerationOptions
        {
            RecurseSubdirectories = true,
            IgnoreInaccessible = true,
            AttributesToSkip = FileAttributes.None,
            MaxRecursionDepth = path.Contains("**", StringComparison.Ordinal) ? 32 : depth,
        }).Where(file => pattern.IsMatch(file));
    }

    private static string Pattern(string path)
    {
        var pattern = new StringBuilder();
        for (var i = 0; i < path.Length; i++)
        {
            switch (path[i])
            {
                case '*' when i + 1 < path.Length && path[i + 1] == '*':
                    pattern.Append(i + 2 < path.Length && path[i + 2] == '/' ? "(.*/)?" : ".*");
                    i += i + 2 < path.Length && path[i + 2] == '/' ? 2 : 1;
                    break;
                case '*':
                    pattern.Append("[^/]*");
                    break;
                case '?':
                    pattern.Append("[^/]");
                    break;
                case '[' when path.IndexOf(']', i + 1) is var end && end > i:
                    pattern.Append('[').Append(path[i + 1] == '!' ? "^" + Regex.Escape(path[(i + 2)..end]) : path[(i + 1)..end].Replace("\\", "\\\\", StringComparison.Ordinal)).Append(']');
                    i = end;
                    break;
                default:
                    pattern.Append(Regex.Escape(path[i].ToString()));
                    break;
            }
        }

        return pattern.ToString();
    }
}
