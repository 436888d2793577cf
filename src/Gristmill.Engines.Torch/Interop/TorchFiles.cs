namespace Gristmill.Engines.Torch.Interop;

/// <summary>Finds libtorch's and TorchSharp's native libraries where the host looks for native libraries.</summary>
internal static class TorchFiles
{
    /// <summary>The full path of a library, or null.</summary>
    public static string? Find(string file) =>
        Folders().Select(folder => Path.Combine(folder, file)).FirstOrDefault(File.Exists);

    /// <summary>The folders, most likely first, for error messages.</summary>
    public static IEnumerable<string> Folders()
    {
        var folders = new List<string> { AppContext.BaseDirectory };
        if (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") is string probing)
        {
            folders.AddRange(probing.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries));
        }

        // A plug-in keeps its libraries beside itself, whatever the host program's folder is.
        if (Path.GetDirectoryName(typeof(TorchSharp.torch).Assembly.Location) is { Length: > 0 } own)
        {
            folders.Add(own);
            folders.Add(Path.Combine(own, "runtimes", "linux-x64", "native"));
        }

        return folders.Select(Path.GetFullPath).Distinct(StringComparer.Ordinal);
    }
}
