using System.Runtime.InteropServices;

namespace Gristmill.Data.Interop;

/// <summary>Makes what was renamed in a folder last: its entries are data of the folder, which a file's own flush leaves out.</summary>
internal static partial class FolderSync
{
    private const int ReadOnly = 0;
    private const int Directory = 0x10000;
    private const int CloseOnExec = 0x80000;

    public static void Flush(string folder)
    {
        // Elsewhere file systems order such changes by themselves, or have no call for it.
        if (!OperatingSystem.IsLinux() || RuntimeInformation.OSArchitecture is not Architecture.X64)
        {
            return;
        }

        var descriptor = Open(folder, ReadOnly | Directory | CloseOnExec);
        if (descriptor < 0)
        {
            return;
        }

        var failed = Sync(descriptor) != 0 ? Marshal.GetLastPInvokeError() : 0;
        _ = Close(descriptor);
        const int Invalid = 22; // a file system that cannot
        if (failed is not 0 and not Invalid)
        {
            throw new IOException($"The folder '{folder}' cannot be flushed: {Marshal.GetPInvokeErrorMessage(failed)}");
        }
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
