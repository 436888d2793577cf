using System.IO.MemoryMappedFiles;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Json;
using Gristmill.Objects.Ipc;
using Gristmill.Objects.Platform;

namespace Gristmill.Objects.Streams;

/// <summary>
/// What the writer and the readers of a stream share: a small file that says which parts there are and how far each reader is. Who lives holds a lock file
/// of its own, which the system drops with its process. Safe for many threads.
/// </summary>
internal sealed unsafe class StreamFile : IDisposable
{
    /// <summary>The folder inside the store's that holds them.</summary>
    public const string FolderName = ".streams";

    private const string Suffix = ".stream", WriterSuffix = ".writer", ReaderSuffix = ".reader";
    private const int MostFailureBytes = 64 << 10;

    private readonly FileStream _file;
    private readonly MemoryMappedFile _mapping;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _start;
    private readonly long _firstPart;
    private readonly Lock _gate = new();
    private IDisposable? _life;
    private bool _disposed;

    private StreamFile(string path, FileStream file)
    {
        (Path, _file) = (path, file);
        _mapping = MemoryMappedFile.CreateFromFile(file, null, capacity: 0, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, leaveOpen: true);
        _view = _mapping.CreateViewAccessor(0, StreamHeader.Size, MemoryMappedFileAccess.ReadWrite);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
        _firstPart = StreamHeader.Size + ((Header.SchemaBytes + 63L) & ~63L);
    }

    /// <summary>Its name.</summary>
    public string Path { get; }

    public string Id => System.IO.Path.GetFileNameWithoutExtension(Path);

    public int Readers => Header.Readers;

    public bool KeepsParts => Header.KeepsParts != 0;

    /// <summary>Parts that there are.</summary>
    public long Parts => Volatile.Read(ref Header.Parts);

    public StreamState State => (StreamState)Volatile.Read(ref Header.State);

    /// <summary>Whether the writer lives.</summary>
    public bool IsWritten => IsLocked(WriterLock);

    private string WriterLock => System.IO.Path.ChangeExtension(Path, WriterSuffix);

    private ref StreamHeader Header => ref Unsafe.AsRef<StreamHeader>(_start);

    /// <summary>Makes a stream, to be written by this process.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.StoreFull"/>.</exception>
    public static StreamFile Create(string directory, byte[] schema, ObjectStreamOptions options)
    {
        try
        {
            var folder = Directory.CreateDirectory(System.IO.Path.Combine(directory, FolderName)).FullName;
            while (true)
            {
                var path = System.IO.Path.Combine(folder, Guid.NewGuid().ToString("n") + Suffix);
                var writer = System.IO.Path.ChangeExtension(path, WriterSuffix);

                // Locked before it has a name by which it could be found without its writer.
                var life = SegmentPlatform.Current.LockFolder(writer, wait: true)!;
                if (File.Exists(writer))
                {
                    return Create(path, schema, options, life);
                }

                life.Dispose(); // a sweep came between creation and lock: once more
            }
        }
        catch (IOException e)
        {
            throw Full(System.IO.Path.Combine(directory, FolderName), e);
        }
    }

    /// <summary>Opens a stream; null if there is none.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Corrupt"/>: it is no stream's file.</exception>
    public static StreamFile? Find(string directory, string id) => TryOpen(System.IO.Path.Combine(directory, FolderName, id + Suffix));

    /// <summary>Removes what belongs to streams of which neither the writer nor a reader lives.</summary>
    public static void Sweep(string directory, Func<string, bool> delete)
    {
        var folder = new DirectoryInfo(System.IO.Path.Combine(directory, FolderName));
        foreach (var file in folder.Exists ? folder.GetFiles() : [])
        {
            var path = System.IO.Path.Combine(folder.FullName, file.Name.Split('.')[0] + Suffix);
            if (IsLocked(System.IO.Path.ChangeExtension(path, WriterSuffix)))
            {
                continue;
            }

            try
            {
                using var stream = TryOpen(path);
                if (stream is not null)
                {
                    stream.RemoveIfSpent(delete);
                    continue;
                }
            }
            catch (GristmillException e) when (e.Code == ErrorCodes.Corrupt)
            {
                File.Delete(path); // its writer died while it began
            }

            if (!IsLocked(file.FullName))
            {
                File.Delete(file.FullName); // a lock of a stream that is gone
            }
        }
    }

    /// <inheritdoc cref="Find"/>
    public static StreamFile? TryOpen(string path)
    {
        FileStream file;
        try
        {
            file = Open(path, FileMode.Open);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }

        try
        {
            StreamHeader header = default;
            if (RandomAccess.Read(file.SafeFileHandle, MemoryMarshal.AsBytes(new Span<StreamHeader>(ref header)), 0) != StreamHeader.Size || header.Magic != StreamHeader.MagicValue
                || header.Readers is < 1 or > ObjectStreamOptions.MostReaders || header.SchemaBytes < 0 || header.SchemaBytes > file.Length - StreamHeader.Size)
            {
                throw Malformed.Because("it is no stream");
            }

            return new StreamFile(path, file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The schema message.</summary>
    public byte[] Schema()
    {
        var message = new byte[Header.SchemaBytes];
        Read(message, StreamHeader.Size);
        return message;
    }

    /// <summary>Adds a part, for all to see. Called by the writer alone.</summary>
    public void Add(in StreamPart part)
    {
        var number = Header.Parts;
        Write(_file, MemoryMarshal.AsBytes(new ReadOnlySpan<StreamPart>(in part)), PartAt(number), Path);
        Volatile.Write(ref Header.Parts, number + 1);
    }

    /// <summary>Says that no part will come any more.</summary>
    /// <param name="failure">Why the stream is not whole; null: it is.</param>
    public void End(ErrorInfo? failure)
    {
        if (failure is not null)
        {
            var reason = JsonSerializer.SerializeToUtf8Bytes(failure, GristmillJson.Options);
            if (reason.Length > MostFailureBytes)
            {
                reason = JsonSerializer.SerializeToUtf8Bytes(new ErrorInfo(failure.Code, failure.Message[..Math.Min(failure.Message.Length, 1000)], null), GristmillJson.Options);
            }

            try
            {
                Write(_file, reason, PartAt(Header.Parts), Path);
                Header.FailureBytes = reason.Length;
            }
            catch (GristmillException e) when (e.Code == ErrorCodes.StoreFull)
            {
                // That it failed has its place in any case.
            }
        }

        Volatile.Write(ref Header.State, (int)(failure is null ? StreamState.Complete : StreamState.Failed));
    }

    /// <summary>A part that is there.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Corrupt"/>: the file was cut.</exception>
    public StreamPart Part(long number)
    {
        StreamPart part = default;
        Read(MemoryMarshal.AsBytes(new Span<StreamPart>(ref part)), PartAt(number));
        return part;
    }

    /// <summary>Why it failed.</summary>
    public ErrorInfo Failure()
    {
        var reason = new byte[Math.Clamp(Header.FailureBytes, 0, MostFailureBytes)];
        Read(reason, PartAt(Header.Parts));
        try
        {
            return (reason.Length > 0 ? JsonSerializer.Deserialize<ErrorInfo>(reason, GristmillJson.Options) : null) ?? Unknown();
        }
        catch (JsonException)
        {
            return Unknown();
        }

        static ErrorInfo Unknown() => new(ErrorCodes.StageFailed, "The stream's writer gave it up.", "Look at what wrote it.");
    }

    /// <summary>Takes a reader's place that is free, or whose reader died: it goes on where that one was.</summary>
    /// <returns>The place; -1: all are taken.</returns>
    public int TakePlace()
    {
        for (var i = 0; i < Readers; i++)
        {
            if (StateOf(i) == ReaderState.Left || SegmentPlatform.Current.LockFolder(ReaderLock(i), wait: false) is not { } life)
            {
                continue;
            }

            ref var slot = ref Slot(i);
            var taken = Interlocked.CompareExchange(ref slot.State, (int)ReaderState.Reading, (int)ReaderState.Awaited);

            // It may have been removed, and its locks with it, before this one was taken.
            if (taken != (int)ReaderState.Left && File.Exists(Path))
            {
                _life = life;
                return i;
            }

            life.Dispose();
        }

        return -1;
    }

    /// <summary>Parts that a reader has read.</summary>
    public long ReadBy(int place) => Volatile.Read(ref Slot(place).Read);

    /// <summary>Says how many parts a reader has read.</summary>
    public void Advance(int place, long parts) => Volatile.Write(ref Slot(place).Read, parts);

    /// <summary>A reader wants no more.</summary>
    public void Leave(int place) => Volatile.Write(ref Slot(place).State, (int)ReaderState.Left);

    /// <summary>Readers that have not come yet are not awaited any more.</summary>
    public void Close()
    {
        for (var i = 0; i < Readers; i++)
        {
            Interlocked.CompareExchange(ref Slot(i).State, (int)ReaderState.Left, (int)ReaderState.Awaited);
        }
    }

    /// <summary>Parts that the slowest reader has read, of those that are there or awaited; null: none is.</summary>
    /// <param name="awaited">Whether those count that have not come yet.</param>
    public long? Slowest(bool awaited)
    {
        long? slowest = null;
        for (var i = 0; i < Readers; i++)
        {
            if (StateOf(i) == ReaderState.Reading || (awaited && StateOf(i) == ReaderState.Awaited))
            {
                slowest = Math.Min(slowest ?? long.MaxValue, ReadBy(i));
            }
        }

        return slowest;
    }

    /// <summary>Deletes what all have read.</summary>
    public void Trim(Func<string, bool> delete)
    {
        if (KeepsParts)
        {
            return;
        }

        // Several may do so at once: a part is deleted once, and one too often does no harm.
        for (var end = Slowest(awaited: true) ?? Parts; Volatile.Read(ref Header.Deleted) is var at && at < end;)
        {
            _ = delete(IdOf(Part(at).Id));
            Interlocked.CompareExchange(ref Header.Deleted, at + 1, at);
        }
    }

    /// <summary>Removes it, with the parts that nobody will read, unless its writer or one of its readers lives, or one is awaited.</summary>
    public bool RemoveIfSpent(Func<string, bool> delete)
    {
        var locks = new List<IDisposable>();
        try
        {
            // Where it is gone already, locks would only be made anew.
            if (!File.Exists(Path) || !TryLock(WriterLock))
            {
                return false;
            }

            Close();
            for (var i = 0; i < Readers; i++)
            {
                if (!TryLock(ReaderLock(i)))
                {
                    return false;
                }
            }

            for (var i = 0; i < Readers; i++)
            {
                Leave(i);
            }

            Trim(delete);
            File.Delete(Path);
            File.Delete(WriterLock);
            for (var i = 0; i < Readers; i++)
            {
                File.Delete(ReaderLock(i));
            }

            return true;
        }
        finally
        {
            locks.ForEach(static taken => taken.Dispose());
        }

        bool TryLock(string path)
        {
            if (SegmentPlatform.Current.LockFolder(path, wait: false) is not { } taken)
            {
                return false;
            }

            locks.Add(taken);
            return true;
        }
    }

    /// <summary>Gives up this process's lock: its writer, or the reader of its place, is gone.</summary>
    public void EndLife()
    {
        lock (_gate)
        {
            _life?.Dispose();
            _life = null;
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
        }

        EndLife();
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _mapping.Dispose();
        _file.Dispose();
    }

    public static UInt128 NumberOf(string id) => UInt128.Parse(id, System.Globalization.NumberStyles.HexNumber, System.Globalization.CultureInfo.InvariantCulture);

    public static string IdOf(UInt128 number) => number.ToString("x32", System.Globalization.CultureInfo.InvariantCulture);

    private static StreamFile Create(string path, byte[] schema, ObjectStreamOptions options, IDisposable life)
    {
        var header = new StreamHeader { Magic = StreamHeader.MagicValue, SchemaBytes = schema.Length, Readers = options.Readers, KeepsParts = options.KeepParts ? 1 : 0 };
        FileStream? file = null;
        try
        {
            file = Open(path, FileMode.CreateNew);

            // Written, not reserved: a page that was written once can be written through memory, however full the file system is.
            Write(file, schema, StreamHeader.Size, path);
            Write(file, MemoryMarshal.AsBytes(new ReadOnlySpan<StreamHeader>(in header)), 0, path);
            return new StreamFile(path, file) { _life = life };
        }
        catch
        {
            file?.Dispose();
            File.Delete(path);
            File.Delete(System.IO.Path.ChangeExtension(path, WriterSuffix));
            life.Dispose();
            throw;
        }
    }

    private static FileStream Open(string path, FileMode mode) => new(path, mode, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);

    private static void Write(FileStream file, ReadOnlySpan<byte> bytes, long at, string path)
    {
        try
        {
            RandomAccess.Write(file.SafeFileHandle, bytes, at);
        }
        catch (IOException e)
        {
            throw Full(path, e);
        }
    }

    private static GristmillException Full(string path, IOException e) =>
        new(ErrorCodes.StoreFull, $"{path} cannot be written: {e.Message}", "Delete objects that are no longer needed.", e);

    private static bool IsLocked(string path)
    {
        if (!File.Exists(path))
        {
            return false;
        }

        using var taken = SegmentPlatform.Current.LockFolder(path, wait: false);
        return taken is null;
    }

    private ReaderState StateOf(int place) => (ReaderState)Volatile.Read(ref Slot(place).State);

    private ref ReaderSlot Slot(int place) => ref Unsafe.AsRef<ReaderSlot>(_start + ReaderSlot.First + (place * ReaderSlot.Size));

    private string ReaderLock(int place) => System.IO.Path.ChangeExtension(Path, place.ToString(System.Globalization.CultureInfo.InvariantCulture) + ReaderSuffix);

    private long PartAt(long number) => _firstPart + (number * StreamPart.Size);

    private void Read(Span<byte> bytes, long at)
    {
        if (RandomAccess.Read(_file.SafeFileHandle, bytes, at) != bytes.Length)
        {
            throw Malformed.Because($"the file of stream {Id} was cut off");
        }
    }
}
