using System.Diagnostics;
using System.Globalization;
using Gristmill.Objects.Spilling;

namespace Gristmill.Objects.Platform;

/// <summary>
/// What a store's folder may hold, over all processes. Exact accounting would need a lock between them; sizes are
/// summed at most once a second, and again before anything is refused.
/// </summary>
internal sealed class StoreBudget
{
    private const long MostRecycled = 2L << 30;
    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(20);
    private readonly string _directory;
    private readonly TimeProvider _time;
    private readonly SpillFolder? _spill;
    private readonly Lock _gate = new();
    private readonly bool _explicit;
    private long _known;
    private long _knownAt;
    private bool _scanned;

    public StoreBudget(ObjectStoreOptions options, SpillFolder? spill = null)
    {
        _spill = spill;
        Patience = options.PutTimeout;
        _directory = options.Directory;
        _time = options.TimeProvider;
        _explicit = options.CapacityBytes > 0;
        var drive = new DriveInfo(options.Directory);
        Capacity = _explicit ? options.CapacityBytes : drive.TotalSize - drive.TotalSize / 16;
        Pool = new SegmentPool(options.Directory, options.RecycledBytes ?? Math.Min(Capacity / 8, MostRecycled), options.TimeProvider);
    }

    /// <summary>Files to write again, which count as used until they are.</summary>
    public SegmentPool Pool { get; }

    /// <summary>How long a writer waits for room.</summary>
    public TimeSpan Patience { get; }

    /// <summary>Unmaps what this process has mapped and does not use.</summary>
    public Action? LetGo { get; set; }

    /// <summary>Says who holds most of the store, in a sentence.</summary>
    public Func<string?>? Largest { get; set; }

    /// <summary>Bytes that may be used.</summary>
    public long Capacity { get; }

    /// <summary>Room for growth, which is made and waited for; refuses what there is none for.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.StoreFull"/>.</exception>
    public void Demand(long bytes)
    {
        if (!TryTake(bytes) && !MakeRoom(bytes, Patience, () => TryTake(bytes)))
        {
            throw Full(bytes);
        }
    }

    /// <summary>Takes room for growth if there is some; false where others would have to go for it.</summary>
    public bool TryTake(long bytes)
    {
        lock (_gate)
        {
            if (!_scanned || _time.GetElapsedTime(_knownAt) > MaxAge || _known + bytes > Capacity)
            {
                _known = Used();
                _knownAt = _time.GetTimestamp();
                _scanned = true;
                if (_known + bytes > Capacity && Pool.Free(_known + bytes - Capacity) > 0)
                {
                    _known = Used();
                }
            }

            if (_known + bytes > Capacity)
            {
                return false;
            }

            _known += bytes;
            return true;
        }
    }

    /// <summary>Spills what nobody has mapped until there is room, and waits for readers to leave.</summary>
    /// <param name="bytes">Bytes that are missing.</param>
    /// <param name="patience">How long to wait.</param>
    /// <param name="isEnough">Whether there is room now.</param>
    public bool MakeRoom(long bytes, TimeSpan patience, Func<bool> isEnough)
    {
        if (bytes > Capacity)
        {
            return false;
        }

        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            LetGo?.Invoke();
            long freed = Pool.Free(bytes);
            freed += freed < bytes ? _spill?.Free(bytes - freed) ?? 0 : 0;
            if (isEnough())
            {
                return true;
            }

            if (freed == 0)
            {
                if (Stopwatch.GetElapsedTime(start) >= patience)
                {
                    return false;
                }

                Thread.Sleep(s_pause);
            }
        }
    }

    /// <summary>The error of a folder, or of its file system, that has no room.</summary>
    public GristmillException Full(long bytes) => new GristmillException(ErrorCodes.StoreFull,
        $"The object store {_directory} has no room for {Show(bytes)} more: {Show(Used())} of {Show(Capacity)} are used, its file system has {Show(Free())} free."
        + (Largest?.Invoke() is { } largest ? $" {largest}" : "") + (_spill?.Refusal is { } refusal ? $" Nothing more can be spilled: {refusal}." : ""),
        "Delete objects or runs that are no longer needed, give the store a larger capacity, or write the table in smaller pieces.")
        .With("directory", _directory)
        .With("needed_bytes", bytes.ToString(CultureInfo.InvariantCulture))
        .With("capacity_bytes", Capacity.ToString(CultureInfo.InvariantCulture));

    private long Free() => new DriveInfo(_directory).AvailableFreeSpace;

    private long Used()
    {
        if (!_explicit)
        {
            // The file system knows at once, and counts what others put there too.
            var drive = new DriveInfo(_directory);
            return Math.Max(0, drive.TotalSize - drive.AvailableFreeSpace);
        }

        long sum = Pool.Bytes;
        foreach (var file in new DirectoryInfo(_directory).EnumerateFiles())
        {
            try
            {
                sum += file.Length;
            }
            catch (FileNotFoundException)
            {
                // Deleted, or sealed under its other name, since it was listed.
            }
        }

        return sum;
    }

    /// <summary>Bytes as people read them.</summary>
    public static string Show(long bytes) => bytes switch
    {
        >= 10L << 30 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):F1} GiB"),
        >= 10L << 20 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 20):F1} MiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes} bytes"),
    };
}
