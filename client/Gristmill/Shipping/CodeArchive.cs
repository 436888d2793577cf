using System.IO.Compression;
using System.Text.Json;

namespace Gristmill.Shipping;

/// <summary>
/// Packs a program for a cluster: its own assembly and the libraries it brings along, without those that come with
/// Gristmill, which workers have.
/// </summary>
internal static class CodeArchive
{
    /// <summary>Entries have one date, so that equal programs make equal archives.</summary>
    private static readonly DateTimeOffset Epoch = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    // With a runtime identifier, what is copied beside the program stands under these.
    private static readonly string[] Kinds = ["runtime", "native"];

    /// <param name="assembly">Path of the program's assembly, with its .deps.json beside it.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.CodeLoad"/>: it is not a file, or its libraries are not known.</exception>
    public static byte[] Pack(string assembly)
    {
        if (string.IsNullOrEmpty(assembly) || !File.Exists(assembly))
        {
            throw new GristmillException(ErrorCodes.CodeLoad, "The program is not an assembly on disk, so it cannot be sent to a server.",
                "Do not publish it as a single file or natively compiled: '#:property PublishAot=false'.");
        }

        var folder = Path.GetDirectoryName(assembly)!;
        var files = new SortedSet<string>(StringComparer.Ordinal) { Path.GetFileName(assembly) };
        var symbols = Path.ChangeExtension(assembly, ".pdb");
        if (File.Exists(symbols))
        {
            // Line numbers in the errors of stages.
            files.Add(Path.GetFileName(symbols));
        }

        var deps = Path.ChangeExtension(assembly, ".deps.json");
        if (File.Exists(deps))
        {
            files.UnionWith(OwnLibraries(File.ReadAllBytes(deps)).Where(file => File.Exists(Path.Combine(folder, file))));
        }

        using var buffer = new MemoryStream();
        using (var archive = new ZipArchive(buffer, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var file in files)
            {
                var entry = archive.CreateEntry(file, CompressionLevel.Fastest);
                entry.LastWriteTime = Epoch;
                using var target = entry.Open();
                using var source = File.OpenRead(Path.Combine(folder, file));
                source.CopyTo(target);
            }
        }

        return buffer.ToArray();
    }

    /// <summary>Files of the libraries that do not come with Gristmill, by the dependency graph of a .deps.json.</summary>
    internal static IReadOnlyCollection<string> OwnLibraries(ReadOnlyMemory<byte> deps)
    {
        using var document = JsonDocument.Parse(deps);
        var root = document.RootElement;
        var target = root.GetProperty("targets").GetProperty(root.GetProperty("runtimeTarget").GetProperty("name").GetString()!);
        var libraries = target.EnumerateObject().ToDictionary(library => library.Name.Split('/')[0], library => library.Value, StringComparer.OrdinalIgnoreCase);

        var ours = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var open = new Stack<string>(libraries.Keys.Where(name => name.Equals("Gristmill", StringComparison.OrdinalIgnoreCase)
            || name.StartsWith("Gristmill.", StringComparison.OrdinalIgnoreCase)));
        while (open.TryPop(out var name))
        {
            if (ours.Add(name) && libraries.TryGetValue(name, out var library) && library.TryGetProperty("dependencies", out var dependencies))
            {
                foreach (var dependency in dependencies.EnumerateObject())
                {
                    open.Push(dependency.Name);
                }
            }
        }

        return [.. libraries.Where(library => !ours.Contains(library.Key))
            .SelectMany(library => Kinds.SelectMany(kind => library.Value.TryGetProperty(kind, out var files)
                ? files.EnumerateObject().Select(file => Path.GetFileName(file.Name))
                : []))];
    }
}
