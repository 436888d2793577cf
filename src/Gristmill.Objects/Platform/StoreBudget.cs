using System.Globalization;

namespace Gristmill.Objects.Platform;

/// <summary>
/// What a store's folder may hold, over all processes. Exact accounting would need a lock between them; sizes are
/// summed at most once a second, and again before anything is refused.
/// </summary>
internal sealed class StoreBudget
{
    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(1);
    private readonly string _directory;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly bool _explicit;
    private long _known;
    private long _knownAt;
    private bool _scanned;

    public StoreBudget(ObjectStoreOptions options)
    {
        _directory = options.Directory;
        _time = options.TimeProvider;
        _explicit = options.CapacityBytes > 0;
        var drive = new DriveInfo(options.Directory);
        Capacity = _explicit ? options.CapacityBytes : drive.TotalSize - drive.TotalSize / 16;
    }

    /// <summary>Bytes that may be used.</summary>
    public long Capacity { get; }

    /// <summary>Refuses growth that the folder has no room for.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.StoreFull"/>.</exception>
    public void Demand(long bytes)
    {
        lock (_gate)
        {
            if (!_scanned || _time.GetElapsedTime(_knownAt) > MaxAge || _known + bytes > Capacity)
            {
                _known = Used();
                _knownAt = _time.GetTimestamp();
                _scanned = true;
            }

            if (_known + bytes > Capacity)
            {
                throw Full(bytes, _known);
            }

            _known += bytes;
        }
    }

    /// <summary>The error of a folder, or of its file system, that has no room.</summary>
    public GristmillException Full(long bytes, long? used = null) => new GristmillException(ErrorCodes.StoreFull,
        $"The object store {_directory} has no room for {Show(bytes)} more: {Show(used ?? Used())} of {Show(Capacity)} are used,"
        + $" its file system has {Show(Free())} free.",
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

        long sum = 0;
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

    private static string Show(long bytes) => bytes switch
    {
        >= 10L << 30 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):F1} GiB"),
        >= 10L << 20 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 20):F1} MiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes} bytes"),
    };
}
