using System.Text.Json;

namespace Gristmill.Worker;

/// <summary>
/// The assemblies of one program: the user's own, which are read method by method, and the others, of which the version
/// counts. A program's .deps.json says which are which; without one, all that lie in its folder are the user's.
/// </summary>
internal sealed class CodeModules : IDisposable
{
    private readonly Dictionary<string, CodeModule?> _open = new(StringComparer.OrdinalIgnoreCase);
    private readonly HashSet<string>? _projects;
    private readonly string _folder;

    public CodeModules(string entry)
    {
        _folder = Path.GetDirectoryName(entry)!;
        _projects = Projects(Path.ChangeExtension(entry, ".deps.json"));
        Entry = CodeModule.Open(entry);
        _open[Entry.Name] = Entry;
    }

    /// <summary>The assembly that holds the stage's method.</summary>
    public CodeModule Entry { get; }

    /// <summary>One of the user's own assemblies, or null for all others.</summary>
    public CodeModule? Find(string assembly)
    {
        if (!_open.TryGetValue(assembly, out var module))
        {
            var path = Path.Combine(_folder, assembly + ".dll");
            _open[assembly] = module = IsUsers(assembly) && File.Exists(path) ? CodeModule.Open(path) : null;
        }

        return module;
    }

    /// <summary>The version of another assembly, with all that it refers to; null for the framework's.</summary>
    public string? VersionOf(string assembly) => AssemblyVersions.Of(assembly, [_folder, AppContext.BaseDirectory]);

    public void Dispose()
    {
        foreach (var module in _open.Values)
        {
            module?.Dispose();
        }
    }

    private bool IsUsers(string assembly) =>
        !UserCodeContext.IsShared(assembly) && (_projects is null || _projects.Contains(assembly));

    private static HashSet<string>? Projects(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            return document.RootElement.GetProperty("libraries").EnumerateObject()
                .Where(static library => library.Value.GetProperty("type").GetString() == "project")
                .Select(static library => library.Name.Split('/')[0])
                .ToHashSet(StringComparer.OrdinalIgnoreCase);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return null;
        }
    }
}
