using System.Collections.Immutable;
using Apache.Arrow;
using Gristmill.Engines;

namespace Gristmill;

/// <summary>The stages of <see cref="FlowPipelineTests"/>, in a type that a worker loads without the test framework.</summary>
internal static class FlowStages
{
    private static volatile string? s_lastExit;

    /// <summary>What <see cref="AtExit"/> has returned in this process.</summary>
    internal static string? LastExit
    {
        get => s_lastExit;
        set => s_lastExit = value;
    }

    internal static string[] Carriers(Dataset rows) =>
        [.. rows.Column("carrier").Cast<StringArray>().SelectMany(static names => Enumerable.Range(0, names.Length).Select(i => names.GetString(i))).Distinct().Order()];

    internal static long Count(Dataset rows) => rows.Rows;

    internal static double Total(IReadOnlyList<double> counts) => counts.Sum();

    internal static FileInfo WriteNote(IReadOnlyList<string> carriers)
    {
        var file = new FileInfo(Path.Combine(Directory.CreateTempSubdirectory("gristmill-note-").FullName, "note.txt"));
        File.WriteAllText(file.FullName, string.Join(' ', carriers));
        return file;
    }

    internal static string ReadNote(FileInput note) => note.ReadText();

    internal static string PasswordLength(string password) => $"{password.Length}";

    internal static string AtExit(ExitStatus exit, ImmutableDictionary<string, double>? total = null) => LastExit = $"{exit.Status} {total?["value"]}";

    internal static long NoFile() => throw new FileNotFoundException("no such parcel");

    internal static long BadArgument() => throw new ArgumentException("no such carrier");

    internal static double Add(double a, double b, double c, double d) => a + b + c + d;

    internal static string Word(string word) => word;

    internal static string Optional(long? number = null) => $"{number} or nothing";

    internal static string Tell(IReadOnlyList<string> findings, double failedRules, double stale) => $"{failedRules} {stale} {string.Join('|', findings)}";

    internal static void Blab(string secret)
    {
        Console.WriteLine($"printed {secret}");
        Track.Tag("key", secret);
        throw new InvalidOperationException($"threw {secret}");
    }
}
