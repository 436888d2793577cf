namespace Gristmill.Objects.Platform;

/// <summary>
/// Segments of deleted objects that nobody has mapped, kept for a moment to be written again: the system hands out fresh memory page by page, each of which it
/// zeroes first. What is kept is given up before anything is refused or spilled, and after <see cref="s_age"/>.
/// </summary>
/// <param name="directory">The store's folder.</param>
/// <param name="limit">Bytes that may be kept.</param>
/// <param name="time">The clock.</param>
internal sealed class SegmentPool(string directory, long limit, TimeProvider time)
{
    /// <summary>The folder inside the store's that holds them.</summary>
    public const string FolderName = ".free";

    /// <summary>Of smaller ones the file costs more than its pages.</summary>
    private const long SmallestBytes = 1 << 20;

    /// <summary>A file larger than this many times what is needed would mostly be given back.</summary>
    private const long MostTimes = 128;

    private static readonly TimeSpan s_age = TimeSpan.FromMinutes(1);
    private readonly string _folder = Path.Combine(directory, FolderName);

    /// <summary>Bytes kept at present.</summary>
    public long Bytes => Files().Sum(static file => file.Bytes);

    /// <summary>Whether a file of so many bytes may be kept, should there be room.</summary>
    public bool Takes(long bytes) => bytes >= SmallestBytes && bytes <= limit;

    /// <summary>A name for a file of so many bytes that is to be kept; null: there is no room for it.</summary>
    public string? PlaceFor(long bytes)
    {
        if (!Takes(bytes) || Bytes + bytes > limit)
        {
            return null;
        }

        Directory.CreateDirectory(_folder);
        return Path.Combine(_folder, Guid.NewGuid().ToString("n"));
    }

    /// <summary>What could be written again for so many bytes, the best first.</summary>
    public IEnumerable<string> For(long bytes) => bytes < SmallestBytes ? [] : Files()
        .Where(file => file.Bytes <= MostTimes * bytes)
        .OrderByDescending(file => file.Bytes >= bytes).ThenBy(file => Math.Abs(file.Bytes - bytes))
        .Select(static file => file.Path);

    /// <summary>Gives up what was kept longest ago, until so many bytes are free.</summary>
    /// <returns>Bytes that are free now and were not.</returns>
    public long Free(long bytes)
    {
        long freed = 0;
        foreach (var file in Files().OrderBy(static file => file.Since).TakeWhile(_ => freed < bytes))
        {
            freed += SegmentPlatform.Current.Discard(file.Path, null) ? file.Bytes : 0;
        }

        return freed;
    }

    /// <summary>Gives up what was kept for long.</summary>
    public void Sweep()
    {
        foreach (var file in Files().Where(file => time.GetUtcNow() - file.Since > s_age))
        {
            SegmentPlatform.Current.Discard(file.Path, null);
        }
    }

    private List<(string Path, long Bytes, DateTimeOffset Since)> Files()
    {
        try
        {
            return Directory.Exists(_folder)
                ? [.. Directory.EnumerateFiles(_folder).Select(static path => (path, Facts: SegmentPlatform.Current.Examine(path))).Where(static file => file.Facts is { IsFile: true })
                    .Select(static file => (file.path, file.Facts!.Value.Bytes, file.Facts.Value.Modified))]
                : [];
        }
        catch (DirectoryNotFoundException)
        {
            return []; // the store was removed
        }
    }
}
