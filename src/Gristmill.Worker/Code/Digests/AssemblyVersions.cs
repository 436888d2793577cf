namespace Gristmill.Worker;

/// <summary>Versions of assemblies by their modules' ids, read from the files, so that asking loads nothing.</summary>
internal static class AssemblyVersions
{
    /// <summary>A digest over an assembly and all that it refers to in the same folders, 32 hexadecimal digits; null if it is in none of them.</summary>
    /// <param name="assembly">Simple name.</param>
    /// <param name="folders">Where assemblies are looked for, in this order. What is in none of them is the framework's.</param>
    public static string? Of(string assembly, IReadOnlyList<string> folders)
    {
        var versions = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var open = new Stack<string>([assembly]);
        while (open.TryPop(out var name))
        {
            if (versions.ContainsKey(name) || folders.Select(folder => Path.Combine(folder, name + ".dll")).FirstOrDefault(File.Exists) is not { } path)
            {
                continue;
            }

            using var module = CodeModule.Open(path);
            versions[name] = module.Id.ToString("n");
            foreach (var reference in module.Metadata.AssemblyReferences)
            {
                open.Push(module.Metadata.GetString(module.Metadata.GetAssemblyReference(reference).Name));
            }
        }

        return versions.Count == 0 ? null : PipelineVersion.Digest(string.Join('\n', versions.Select(static v => $"{v.Key} {v.Value}")))[..32];
    }
}
