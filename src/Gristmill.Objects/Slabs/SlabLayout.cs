using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Gristmill.Objects.Slabs;

/// <summary>
/// How a slab lies in memory: a header, then entries one after the other, each a header of its own and an object as it would lie in a segment: an Arrow IPC
/// file. All of them start at multiples of 64 bytes. Other processes may write states meanwhile, and anybody may have scribbled: whatever is
/// read is checked to lie inside.
/// </summary>
/// <param name="start">The slab's memory.</param>
/// <param name="length">Its bytes.</param>
internal readonly unsafe struct SlabLayout(byte* start, long length)
{
    /// <summary>Bytes of the header, and of each entry's.</summary>
    public const int Header = 64;

    private const ulong Magic = 0x3130_4241_4c53_4d47; // "GMSLAB01"
    /// <summary>Where the header keeps a count of deleted objects, and how many bytes that and an entry's state, its first, take.</summary>
    public const int DeletedAt = 16, StateBytes = sizeof(int);

    private const int WrittenAt = 8, ClosedAt = 12;
    private const int StateAt = 0, LengthAt = 4, SealedAt = 8;

    /// <summary>What an entry is.</summary>
    public enum EntryState
    {
        /// <summary>It is being written, or its writer died.</summary>
        Building = 0,
        /// <summary>An object.</summary>
        Sealed = 1,
        /// <summary>It was an object.</summary>
        Deleted = 2,
    }

    /// <summary>Whether this is a slab at all.</summary>
    public bool IsSlab => length >= Header && *(ulong*)start == Magic;

    /// <summary>Whether it has no object and will get none. Its writer may have died in between: <see cref="HasObjects"/> is certain.</summary>
    public bool IsSpent => Volatile.Read(ref Int(ClosedAt)) != 0 && Volatile.Read(ref Int(DeletedAt)) >= Volatile.Read(ref Int(WrittenAt));

    /// <summary>Bytes that an object takes with its header.</summary>
    public static long Room(long objectBytes) => Header + (objectBytes + 63 & ~63L);

    /// <summary>Writes the header.</summary>
    public void Format() => *(ulong*)start = Magic;

    /// <summary>Says that no object comes any more.</summary>
    public void Close() => Volatile.Write(ref Int(ClosedAt), 1);

    /// <summary>Writes an object behind the last one.</summary>
    public void Append(long position, ReadOnlySpan<byte> image, DateTimeOffset now)
    {
        // The length stands first: after a crash here the next object's place is known. The count is one too high then, never too low. Only the writer
        // writes here: who deletes writes elsewhere.
        Volatile.Write(ref Int(position + LengthAt), image.Length);
        image.CopyTo(new Span<byte>(start + position + Header, image.Length));
        *(long*)(start + position + SealedAt) = now.ToUnixTimeMilliseconds();
        Int(WrittenAt)++;
        Volatile.Write(ref Int(position + StateAt), (int)EntryState.Sealed);
    }

    /// <summary>The object whose entry starts at a position; null if there is none.</summary>
    public Entry? Find(long position) =>
        At(position) is { State: EntryState.Sealed } entry ? entry : null;

    /// <summary>Marks an object as deleted in copies of the slab's header and the object's; false if it is none.</summary>
    public static bool TryDelete(Span<byte> header, Span<byte> entry, out bool isSpent)
    {
        isSpent = false;
        if (MemoryMarshal.Read<ulong>(header) != Magic || MemoryMarshal.Read<int>(entry) != (int)EntryState.Sealed || MemoryMarshal.Read<int>(entry[LengthAt..]) <= 0)
        {
            return false;
        }

        int deleted = MemoryMarshal.Read<int>(header[DeletedAt..]) + 1;
        MemoryMarshal.Write(entry, (int)EntryState.Deleted);
        MemoryMarshal.Write(header[DeletedAt..], deleted);
        isSpent = MemoryMarshal.Read<int>(header[ClosedAt..]) != 0 && deleted >= MemoryMarshal.Read<int>(header[WrittenAt..]);
        return true;
    }

    /// <summary>All entries, in order.</summary>
    public List<Entry> Entries()
    {
        var entries = new List<Entry>();
        for (long position = Header; At(position) is { } entry; position += Room(entry.Length))
        {
            entries.Add(entry);
        }

        return entries;
    }

    /// <summary>Whether an object is left, as the entries say.</summary>
    public bool HasObjects() => Entries().Exists(static entry => entry.State == EntryState.Sealed);

    /// <summary>Where the next object would go.</summary>
    public long End() => Entries() is [.., var last] ? last.Position + Room(last.Length) : Header;

    private Entry? At(long position)
    {
        if (!IsSlab || position < Header || position % 64 != 0 || position > length - Header)
        {
            return null;
        }

        int bytes = Volatile.Read(ref Int(position + LengthAt));
        return bytes <= 0 || bytes > length - position - Header
            ? null
            : new Entry(position, bytes, (EntryState)Volatile.Read(ref Int(position + StateAt)), *(long*)(start + position + SealedAt));
    }

    private ref int Int(long position) => ref Unsafe.AsRef<int>(start + position);

    /// <summary>An object's place.</summary>
    /// <param name="Position">Where its entry starts.</param>
    /// <param name="Length">Bytes of the object.</param>
    /// <param name="State">What it is.</param>
    /// <param name="Milliseconds">When it was sealed, since 1970.</param>
    public readonly record struct Entry(long Position, int Length, EntryState State, long Milliseconds)
    {
        /// <summary>Where the object starts.</summary>
        public long Start => Position + Header;

        /// <summary>When it was sealed.</summary>
        public DateTimeOffset Sealed => DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(Milliseconds, 0, DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()));
    }
}
