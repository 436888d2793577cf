using System.Security.Cryptography;

namespace Gristmill.Engines.Torch.Interop;

/// <summary>
/// The user's folder of native libraries that Gristmill derives or writes itself, named by content: any number of
/// processes may fill it at once.
/// </summary>
internal static class NativeCache
{
    /// <summary>Environment variable that names the folder.</summary>
    public const string Variable = "GRISTMILL_NATIVE_CACHE";

    /// <summary>GRISTMILL_NATIVE_CACHE, else $XDG_CACHE_HOME/gristmill/native, else ~/.cache/gristmill/native.</summary>
    public static string DefaultFolder
    {
        get
        {
            if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named)
            {
                return named;
            }

            var home = Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache
                ? cache
                : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
            return Path.Combine(home, "gristmill", "native");
        }
    }

    /// <summary>The path of a file with these bytes, written if it is not there; it appears whole or not at all.</summary>
    /// <param name="folder">The cache folder; created with mode 0700.</param>
    /// <param name="name">The file's name; it gets a folder named by its digest.</param>
    /// <param name="content">Its bytes; a file that differs (a half-written disk, a meddler) is replaced.</param>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">Likewise.</exception>
    public static string Put(string folder, string name, ReadOnlySpan<byte> content)
    {
        var digest = Convert.ToHexStringLower(SHA256.HashData(content));
        var home = Path.Combine(Path.GetFullPath(folder), digest[..32]);
        var path = Path.Combine(home, name);
        if (IsEqual(path, content))
        {
            return path;
        }

        CreatePrivate(home);
        var draft = Path.Combine(home, $".{name}.{Environment.ProcessId}.{Guid.NewGuid():N}");
        try
        {
            File.WriteAllBytes(draft, content);
            File.Move(draft, path, overwrite: true);
        }
        finally
        {
            File.Delete(draft);
        }

        return path;
    }

    private static bool IsEqual(string path, ReadOnlySpan<byte> content)
    {
        try
        {
            return File.Exists(path) && File.ReadAllBytes(path).AsSpan().SequenceEqual(content);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static void CreatePrivate(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
        }
        else
        {
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }
}
