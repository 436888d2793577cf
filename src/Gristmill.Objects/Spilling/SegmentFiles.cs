using Gristmill.Objects.Mapping;
using Gristmill.Objects.Platform;

namespace Gristmill.Objects.Spilling;

/// <summary>The files of a store, in memory or spilled: who opens one need not know where it is.</summary>
internal sealed class SegmentFiles(string directory, SpillFolder? spill, StoreBudget budget)
{
    /// <summary>The folders that hold files, memory first.</summary>
    public IEnumerable<string> Folders => spill is null ? [directory] : [directory, spill.Path];

    /// <summary>Where a file of this name is in memory, or would be.</summary>
    public string InMemory(string name) => Path.Combine(directory, name);

    /// <summary>Whether there is a file of this name; one that goes from one place to the other meanwhile is found, too.</summary>
    public bool Exists(string name) => File.Exists(InMemory(name)) || (spill is not null && (File.Exists(spill.PathOf(name)) || File.Exists(InMemory(name))));

    /// <summary>Where a file of this name is; in memory if it is nowhere.</summary>
    public string Find(string name)
    {
        string path = InMemory(name);
        return spill is not null && !File.Exists(path) && File.Exists(spill.PathOf(name)) ? spill.PathOf(name) : path;
    }

    /// <summary>Brings a spilled file back into memory if there is room; what that takes, nobody else should have to wait for.</summary>
    public void Recall(string name)
    {
        if (spill is not null && !File.Exists(InMemory(name)))
        {
            spill.Restore(name, budget.TryTake);
        }
    }

    /// <summary>Maps a file. A spilled one comes back into memory if there is room, and is mapped where it is otherwise; null if it is nowhere.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Corrupt"/>: an object that was spilled is not what was sealed.</exception>
    public unsafe MappedFile? Open(string name)
    {
        var file = SegmentPlatform.Current.Open(InMemory(name));
        if (file is not null || spill is null)
        {
            return file;
        }

        if (spill.Restore(name, budget.TryTake) && SegmentPlatform.Current.Open(InMemory(name)) is { } restored)
        {
            return restored;
        }

        file = SegmentPlatform.Current.Open(spill.PathOf(name));
        if (file is null)
        {
            return SegmentPlatform.Current.Open(InMemory(name)); // it came back in between
        }

        file.IsSpilled = true;
        try
        {
            if (name.EndsWith(ObjectStore.SealedSuffix, StringComparison.Ordinal))
            {
                MappedObject.Verify(file.Pointer, file.Length, Path.GetFileNameWithoutExtension(name));
            }

            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }
}
