using Gristmill.Objects.Mapping;
using Gristmill.Objects.Platform;
using Gristmill.Objects.Slabs;

namespace Gristmill.Objects.Spilling;

/// <summary>
/// The folder on a disk that takes what memory has no room for: the same files under the same names. What was mapped longest ago goes first; what
/// somebody has mapped stays. A file is whole in one of the two folders at any moment, whoever dies: it is named here before it loses its name there, and
/// the other way round when it comes back.
/// </summary>
internal sealed unsafe class SpillFolder
{
    private const string PartialSuffix = ".partial", LockName = ".lock";

    /// <summary>Written at once: disks like it large.</summary>
    private const int Piece = 8 << 20;

    private readonly string _memory;
    private readonly long _capacity;
    private readonly Lock _gate = new();

    public SpillFolder(ObjectStoreOptions options)
    {
        Path = options.SpillDirectory!;
        _memory = options.Directory;
        SegmentPlatform.Current.CreatePrivateDirectory(Path);
        _capacity = options.SpillCapacityBytes;
    }

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>Why the last file could not be spilled; null: it could.</summary>
    public string? Refusal { get; private set; }

    /// <summary>Whether a file of this name is none of the store's, but of this folder itself.</summary>
    public static bool IsOwn(string name) => name == LockName || name.EndsWith(PartialSuffix, StringComparison.Ordinal);

    /// <summary>Where a file of this name would be.</summary>
    public string PathOf(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Moves files out of memory, those mapped longest ago first, until so many bytes are free.</summary>
    /// <returns>Bytes that are free now and were not.</returns>
    public long Free(long bytes)
    {
        lock (_gate)
        {
            // One process at a time: two would move the same files. Who waits finds that there is room already, and asks again if not.
            using var held = SegmentPlatform.Current.LockFolder(PathOf(LockName), wait: true);
            long freed = 0;
            foreach (var (path, facts) in Coldest())
            {
                if (freed >= bytes)
                {
                    break;
                }

                freed += Spill(path, facts.Bytes);
            }

            return freed;
        }
    }

    /// <summary>Brings a file back into memory, and checks it against its checksum; false if it is not here, is damaged, or there is no room for it.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="demand">Takes room for so many bytes; false if there is none.</param>
    public bool Restore(string name, Func<long, bool> demand)
    {
        string path = PathOf(name), restored = System.IO.Path.Combine(_memory, name), building = System.IO.Path.Combine(_memory, $"{name}.{Guid.NewGuid():n}{ObjectStore.BuildingSuffix}");
        using var changes = IsSlab(name) ? SegmentPlatform.Current.LockSlab(path) : null;
        using var source = SegmentPlatform.Current.Open(path);
        if (source is null || source.Length == 0 || (IsSlab(name) && changes is null) || !demand(source.Length) || !IsWhole(source, name))
        {
            return false;
        }

        // Held until it has its name there and has lost it here: a process that spills it again in between would name what is removed next.
        using var target = SegmentPlatform.Current.Write(building, source.Pointer, source.Length, readOnly: !IsSlab(name));
        if (target is null)
        {
            return false; // no room after all
        }

        try
        {
            File.SetLastWriteTimeUtc(building, File.GetLastWriteTimeUtc(path));
            File.Move(building, restored, overwrite: false);
        }
        catch (IOException)
        {
            File.Delete(building);
            return File.Exists(restored); // another process was faster
        }

        if (!File.Exists(path))
        {
            File.Delete(restored); // it was deleted while it was copied
            return false;
        }

        File.Delete(path);
        return true;
    }

    /// <summary>Removes what a process that died left half done.</summary>
    public void Sweep()
    {
        using var held = SegmentPlatform.Current.LockFolder(PathOf(LockName), wait: false);
        if (held is null)
        {
            return; // somebody spills
        }

        foreach (string file in Directory.EnumerateFiles(Path))
        {
            // One that is in memory too was spilled, or brought back, by a process that died before it could remove the other. One that lives holds it there.
            string other = System.IO.Path.Combine(_memory, System.IO.Path.GetFileName(file));
            if (file.EndsWith(PartialSuffix, StringComparison.Ordinal) || (File.Exists(other) && !SegmentPlatform.Current.IsHeld(other)))
            {
                File.Delete(file);
            }
        }
    }

    private static bool IsSlab(string name) => name.EndsWith(ObjectStore.SlabSuffix, StringComparison.Ordinal);

    private static bool IsWhole(MappedFile file, string name)
    {
        try
        {
            if (!IsSlab(name))
            {
                MappedObject.Verify(file.Pointer, file.Length, System.IO.Path.GetFileNameWithoutExtension(name));
                return true;
            }

            foreach (var entry in new SlabLayout(file.Pointer, file.Length).Entries().Where(static entry => entry.State == SlabLayout.EntryState.Sealed))
            {
                MappedObject.Verify(file.Pointer + entry.Start, entry.Length, name);
            }

            return true;
        }
        catch (GristmillException e) when (e.Code == ErrorCodes.Corrupt)
        {
            return false; // who reads it there gets the error
        }
    }

    private IEnumerable<(string Path, SegmentFacts Facts)> Coldest() =>
        new DirectoryInfo(_memory).EnumerateFiles()
            .Where(static file => file.Name.EndsWith(ObjectStore.SealedSuffix, StringComparison.Ordinal) || IsSlab(file.Name))
            .Select(static file => (file.FullName, Facts: SegmentPlatform.Current.Examine(file.FullName)))
            .Where(static file => file.Facts is { IsFile: true, Bytes: > 0 })
            .Select(static file => (file.FullName, file.Facts!.Value))
            .OrderBy(static file => file.Value.Accessed);

    private long Spill(string path, long bytes)
    {
        string target = PathOf(System.IO.Path.GetFileName(path)), partial = target + PartialSuffix;
        if (File.Exists(target) || SegmentPlatform.Current.IsHeld(path))
        {
            return 0; // it is just coming back, or somebody reads it
        }

        if (_capacity > 0 && new DirectoryInfo(Path).EnumerateFiles().Sum(static file => file.Length) + bytes > _capacity)
        {
            Refusal = $"the folder for what is spilled, {Path}, holds all it may";
            return 0;
        }

        bool copied = false;
        try
        {
            // A slab is small, and one might delete an object of it meanwhile: it is copied under the locks under which it is removed.
            bool moved = IsSlab(path)
                ? SegmentPlatform.Current.RemoveUnlessHeld(path, before: () => copied = !File.Exists(target) && Copy(path, partial, target))
                : (copied = Copy(path, partial, target)) && SegmentPlatform.Current.RemoveUnlessHeld(path);
            if (!moved)
            {
                if (copied)
                {
                    File.Delete(target); // somebody began to read it meanwhile, or removed it
                }

                return 0;
            }

            Refusal = null;
            return bytes;
        }
        catch (IOException e)
        {
            Refusal = $"the folder for what is spilled, {Path}, cannot be written: {e.Message}";
            File.Delete(partial);
            return 0;
        }
    }

    private static bool Copy(string path, string partial, string target)
    {
        using var source = SegmentPlatform.Current.Open(path, hold: !IsSlab(path)); // a slab is locked already
        if (source is null)
        {
            return false;
        }

        using (var file = File.OpenHandle(partial, FileMode.Create, FileAccess.Write, FileShare.None, preallocationSize: source.Length))
        {
            for (long at = 0; at < source.Length; at += Piece)
            {
                RandomAccess.Write(file, new ReadOnlySpan<byte>(source.Pointer + at, (int)Math.Min(Piece, source.Length - at)), at);
            }
        }

        File.SetLastWriteTimeUtc(partial, File.GetLastWriteTimeUtc(path)); // when it was sealed
        File.Move(partial, target, overwrite: true);
        return true;
    }
}
