using System.Reflection;
using System.Runtime.Loader;

namespace Gristmill.Worker;

/// <summary>
/// Loads a user's assemblies from their folder, and can be unloaded. What the host and the user exchange as types
/// (Gristmill, Arrow, torch, ML.NET, ONNX Runtime, the framework) comes from the host, so that types are equal and native
/// libraries load once; everything else from the folder, in the version it was built with.
/// </summary>
internal sealed class UserCodeContext(string name, string entryPath) : AssemblyLoadContext(name, isCollectible: true)
{
    private static readonly string[] Shared =
    [
        "Gristmill", "Apache.Arrow", "TorchSharp", "Microsoft.ML", "DuckDB.NET", "OxyPlot", "Orleans", "Microsoft.Orleans", "Microsoft.Extensions", "System", "netstandard", "mscorlib",
    ];

    private readonly AssemblyDependencyResolver _resolver = new(entryPath);

    /// <inheritdoc/>
    protected override Assembly? Load(AssemblyName assemblyName)
    {
        var simple = assemblyName.Name ?? "";
        if (IsShared(simple) && FromHost(assemblyName) is { } host)
        {
            return host;
        }

        // Null falls back to the host's own: the framework, and what the folder lacks.
        var path = _resolver.ResolveAssemblyToPath(assemblyName) ?? Beside(simple);
        return path is null ? null : LoadFromAssemblyPath(path);
    }

    /// <inheritdoc/>
    protected override nint LoadUnmanagedDll(string unmanagedDllName)
    {
        var path = _resolver.ResolveUnmanagedDllToPath(unmanagedDllName);
        return path is null ? 0 : LoadUnmanagedDllFromPath(path);
    }

    /// <summary>Whether an assembly comes from the host.</summary>
    public static bool IsShared(string name) =>
        Shared.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal) && (name.Length == prefix.Length || name[prefix.Length] is '.'));

    private static Assembly? FromHost(AssemblyName name)
    {
        try
        {
            return Default.LoadFromAssemblyName(new AssemblyName(name.Name!));
        }
        catch (FileNotFoundException)
        {
            // A Gristmill or Microsoft.Extensions library that the host does not use is the user's own.
            return null;
        }
    }

    /// <summary>A folder may come without a deps.json.</summary>
    private string? Beside(string name)
    {
        var path = Path.Combine(Path.GetDirectoryName(entryPath)!, name + ".dll");
        return File.Exists(path) ? path : null;
    }
}
