using System.Globalization;
using Gristmill.Objects.Mapping;
using Gristmill.Objects.Platform;
using Gristmill.Objects.Slabs;
using Gristmill.Objects.Spilling;
using Gristmill.Objects.Streams;

namespace Gristmill.Objects;

// What lies in the store's folders.
public sealed partial class ObjectStore
{
    /// <summary>Objects looked into to say who holds most.</summary>
    private const int MostLookedInto = 10_000;

    /// <summary>All sealed objects. Files that are none are left out.</summary>
    public IEnumerable<ObjectRef> List() => Scan().Objects.Select(item => Describe(item).Ref).OfType<ObjectRef>();

    /// <summary>
    /// What lies in the folders, without a look into any file but slabs: a system call each. <see cref="Describe"/> says more.
    /// </summary>
    public StoreListing Scan()
    {
        // One more walk of the folder, and not a system call more for each object.
        var pins = Directory.EnumerateFiles(Options.Directory, "*" + PinSuffix).Select(Path.GetFileNameWithoutExtension).ToHashSet(StringComparer.Ordinal);
        var objects = new Dictionary<(string, bool), StoredObject>();
        var skipped = new List<SkippedFile>();
        foreach (string folder in _files.Folders)
        {
            var holders = SegmentPlatform.Current.Holders(folder);
            foreach (string path in Directory.EnumerateFileSystemEntries(folder))
            {
                foreach (var item in Look(path, pins, holders, skipped))
                {
                    objects.TryAdd((item.Id, item.IsSealed), item); // one that was spilled since is in both
                }
            }
        }

        return new StoreListing([.. objects.Values], skipped);
    }

    /// <summary>A sealed object as <see cref="Scan"/> finds it; null if it is not in the store.</summary>
    public StoredObject? Find(string id)
    {
        if (!IsId(id))
        {
            return null;
        }

        if (SlabId.Of(id) is { } small && _files.Find(SlabReader.FileOf(small.Slab)) is var slab && EntriesOf(slab) is { } entries
            && entries.Find(entry => entry.Position == small.Position) is { State: SlabLayout.EntryState.Sealed } found)
        {
            return Stored(slab, small, found, File.Exists(PinOf(id)), HoldersOf(slab, SegmentPlatform.Current.Holders(Path.GetDirectoryName(slab)!)));
        }

        string path = _files.Find(id + SealedSuffix);
        return SegmentPlatform.Current.Examine(path) is { IsFile: true } facts
            ? Stored(path, id, true, facts, File.Exists(PinOf(id)), SegmentPlatform.Current.Holders(Path.GetDirectoryName(path)!))
            : null;
    }

    /// <summary>Reads an object's footer, and no data: some ten microseconds. Never throws for what the file holds.</summary>
    public ObjectDescription Describe(StoredObject item)
    {
        ArgumentNullException.ThrowIfNull(item);
        return item.IsSealed ? SegmentListing.Read(item.Path, item.Part, item.Id, Options.Host) : new ObjectDescription();
    }

    private IEnumerable<StoredObject> Look(string path, HashSet<string?> pins, ILookup<ulong, int>? holders, List<SkippedFile> skipped)
    {
        string name = Path.GetFileName(path), stem = name.Split('.')[0];
        bool isSealed = name.EndsWith(SealedSuffix, StringComparison.Ordinal), isSlab = name.EndsWith(SlabSuffix, StringComparison.Ordinal) && SlabId.IsSlab(stem);
        if (name.EndsWith(DeletedSuffix, StringComparison.Ordinal) || (name.EndsWith(PinSuffix, StringComparison.Ordinal) && IsId(stem)) || SpillFolder.IsOwn(name) || name is SegmentPool.FolderName or PullFolder or StreamFile.FolderName)
        {
            return [];
        }

        if (!isSlab && !SlabId.IsSlab(stem) && (!IsId(stem) || !(isSealed ? name.Length == 32 + SealedSuffix.Length : name.EndsWith(BuildingSuffix, StringComparison.Ordinal))))
        {
            skipped.Add(new SkippedFile(name, "its name is not that of an object"));
            return [];
        }

        if (SegmentPlatform.Current.Examine(path) is not { } facts)
        {
            return []; // gone since
        }

        if (!facts.IsFile)
        {
            skipped.Add(new SkippedFile(name, "it is not a plain file"));
            return [];
        }

        if (!isSlab)
        {
            return IsId(stem) ? [Stored(path, stem, isSealed, facts, isSealed && pins.Contains(stem), holders)] : []; // or a slab that is being made
        }

        if (EntriesOf(path) is not { } entries)
        {
            skipped.Add(new SkippedFile(name, "it has the name of a slab and is none"));
            return [];
        }

        var processes = HoldersOf(path, holders);
        return entries.Where(static entry => entry.State == SlabLayout.EntryState.Sealed)
            .Select(entry => (Id: new SlabId(stem, entry.Position), Entry: entry))
            .Select(item => Stored(path, item.Id, item.Entry, pins.Contains(item.Id.ToString()), processes));
    }

    private StoredObject Stored(string path, string id, bool isSealed, SegmentFacts facts, bool isPinned, ILookup<ulong, int>? holders) => new()
    {
        Id = id,
        IsSealed = isSealed,
        Bytes = facts.Bytes,
        Modified = facts.Modified,
        IsPinned = isPinned,
        IsSpilled = IsInSpill(path),
        Processes = [.. (holders?[facts.Inode] ?? []).Union(IsMapped(id) ? [Environment.ProcessId] : []).Order()],
        Path = path,
    };

    private StoredObject Stored(string path, SlabId id, SlabLayout.Entry entry, bool isPinned, IReadOnlyList<int> processes) => new()
    {
        Id = id.ToString(),
        IsSealed = true,
        Bytes = entry.Length,
        Modified = entry.Sealed,
        IsPinned = isPinned,
        IsSpilled = IsInSpill(path),
        Processes = processes,
        Path = path,
        Part = (entry.Start, entry.Length),
    };

    private bool IsInSpill(string path) => _spill is not null && Path.GetDirectoryName(path) == _spill.Path;

    private bool IsMapped(string id)
    {
        lock (_gate)
        {
            return _mapped.TryGetValue(id, out var entry) && entry.TryGetTarget(out var known) && known.IsLeased;
        }
    }

    /// <summary>What a slab holds; null if it is gone, or is none.</summary>
    private static unsafe List<SlabLayout.Entry>? EntriesOf(string path)
    {
        using var file = SegmentPlatform.Current.Open(path, hold: false);
        return file is not null && new SlabLayout(file.Pointer, file.Length) is { IsSlab: true } slab ? slab.Entries() : null;
    }

    private static IReadOnlyList<int> HoldersOf(string path, ILookup<ulong, int>? holders) =>
        SegmentPlatform.Current.Examine(path) is { } facts && holders is not null ? [.. holders[facts.Inode].Order()] : [];

    /// <summary>Who holds most of the memory, for the error of a full store.</summary>
    private string? LargestOwner()
    {
        var largest = Scan().Objects.Where(static item => !item.IsSpilled).OrderByDescending(static item => item.Bytes).Take(MostLookedInto)
            .GroupBy(item => Describe(item).Owner ?? (item.IsSealed ? "an unknown owner" : "objects that are being written"), static item => item.Bytes)
            .Select(static group => (Owner: group.Key, Bytes: group.Sum())).OrderByDescending(static owner => owner.Bytes).FirstOrDefault();
        return largest.Owner is null ? null : string.Create(CultureInfo.InvariantCulture, $"Most of it, {StoreBudget.Show(largest.Bytes)}, is of {largest.Owner}.");
    }
}
