using System.Runtime.InteropServices;

namespace Gristmill.Engines.Torch.Interop;

/// <summary>Loads libtorch and TorchSharp's native half, on systems whose C++ runtime TorchSharp does not name too.</summary>
internal static class TorchLibraries
{
    private const string Bridge = "libLibTorchSharp.so";

    /// <summary>Loads them; returns the bridge's handle and whether an adapted copy was needed.</summary>
    /// <param name="cacheFolder">Where an adapted copy is kept.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.NativeLibrary"/>.</exception>
    public static (nint Handle, string Path, bool Adapted) Load(string cacheFolder)
    {
        // The bridge finds these by name once they are loaded, wherever its own file lies.
        foreach (var file in new[] { "libc10.so", "libtorch_cpu.so", "libtorch.so" })
        {
            LoadOne(Require(file));
        }

        var bridge = Require(Bridge);
        if (NativeLibrary.TryLoad(bridge, out var handle))
        {
            return (handle, bridge, false);
        }

        var adapted = Adapt(bridge, cacheFolder);
        return (LoadOne(adapted), adapted, true);
    }

    /// <summary>A copy that does not insist on C++ runtime versions of which it uses nothing.</summary>
    internal static string Adapt(string bridge, string cacheFolder)
    {
        try
        {
            var image = File.ReadAllBytes(bridge);
            ElfVersionNeeds.WeakenUnused(image, "libstdc++.so.6");
            return NativeCache.Put(cacheFolder, Bridge, image);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new GristmillException(ErrorCodes.NativeLibrary,
                $"TorchSharp's native library {bridge} needs a newer libstdc++, and a copy adapted to this system could not be made in {cacheFolder}: {e.Message}",
                $"Make the folder writable or name another in {NativeCache.Variable}.", e).With("file", bridge);
        }
    }

    private static string Require(string file) => TorchFiles.Find(file) ?? throw new GristmillException(
        ErrorCodes.NativeLibrary,
        $"{file} is in none of the folders of native libraries: {string.Join(", ", TorchFiles.Folders())}",
        "Reference libtorch-cpu-linux-x64 (or TorchSharp-cuda-linux) from the program, and build it with a RuntimeIdentifier of linux-x64.")
        .With("file", file);

    private static nint LoadOne(string path)
    {
        try
        {
            return NativeLibrary.Load(path);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            // The loader's reason is among the runtime's own attempts; its lines name the file.
            var reason = e.Message.Split('\n').FirstOrDefault(line => line.Contains(path + ":", StringComparison.Ordinal)) ?? e.Message.Split('\n')[0];
            throw new GristmillException(ErrorCodes.NativeLibrary, $"{path} cannot be loaded: {reason}",
                "Gristmill's torch engine needs 64-bit Linux with glibc 2.28 and libstdc++ of GCC 9 or newer.", e).With("file", path);
        }
    }
}
