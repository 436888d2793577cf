namespace Gristmill.Objects.Conformance;

/// <summary>The integration files of the Arrow project, in the folder that GRISTMILL_ARROW_TESTING names; they are not copied into this repository.</summary>
internal static class OfficialFiles
{
    public const string Variable = "GRISTMILL_ARROW_TESTING";

    public static string? Root => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } root && Directory.Exists(root) ? root : null;

    public static string Reason => $"{Variable} names no folder of Arrow's integration files";

    /// <summary>All files and streams, of every version that is there, in order of their names.</summary>
    public static string[] All() => Root is not { } root ? [] : [.. Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories)
        .Where(path => Path.GetExtension(path) is ".arrow_file" or ".stream").Order(StringComparer.Ordinal)];

    /// <summary>What Arrow's fuzzers found, as its repository of test data keeps it: files named after crashes and test cases.</summary>
    public static string[] Found() => Root is not { } root ? [] : [.. Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories)
        .Where(path => Path.GetFileName(path) is var name && (name.StartsWith("crash-", StringComparison.Ordinal) || name.StartsWith("clusterfuzz-", StringComparison.Ordinal)
            || name.Contains("testcase-", StringComparison.Ordinal))).Order(StringComparer.Ordinal)];

    /// <summary>The JSON file of the same content, or null if there is none.</summary>
    public static string? Twin(string path)
    {
        string stem = path[..^Path.GetExtension(path).Length];
        return new[] { stem + ".json.gz", stem + ".json" }.FirstOrDefault(File.Exists);
    }

    /// <summary>Whether the numbers in it are big-endian, by the name of its folder.</summary>
    public static bool IsBigEndian(string path) => Path.GetFileName(Path.GetDirectoryName(path))!.Contains("bigendian", StringComparison.Ordinal);

    public static string Name(string path) => Path.GetRelativePath(Root!, path);
}
