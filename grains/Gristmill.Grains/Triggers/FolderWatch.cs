using System.Globalization;
using System.IO.Enumeration;
using System.IO.Hashing;
using System.Text;

namespace Gristmill.Grains.Triggers;

/// <summary>A file that has arrived.</summary>
/// <param name="Path">Its full path.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Modified">When it was written.</param>
internal sealed record ArrivedFile(string Path, long Bytes, DateTimeOffset Modified)
{
    /// <summary>Whether it is the same as it was at another look.</summary>
    public bool Rests(ArrivedFile? before) => before is not null && before.Bytes == Bytes && before.Modified == Modified;
}

/// <summary>Looks into a folder for files that have arrived: those that two looks in a row found unchanged and that are not in the ledger.</summary>
internal sealed class FolderWatch
{
    /// <summary>Files of one pattern, and files remembered: more is an error that says so, not a state without bound.</summary>
    public const int MaxFiles = 20_000;

    private readonly FileGlob _glob;
    private readonly bool _changes;
    private readonly HashSet<UInt128> _known;
    private readonly List<UInt128> _ledger;
    private Dictionary<string, ArrivedFile> _before = new(StringComparer.Ordinal);

    public FolderWatch(FileArrival source, FileLedger ledger)
    {
        _glob = FileGlob.Parse(source.Path);
        _changes = source.Changes;
        _ledger = [.. ledger.Files];
        _known = [.. ledger.Files];
    }

    /// <summary>What is to be stored of it.</summary>
    public FileLedger Ledger => new() { Files = [.. _ledger] };

    /// <summary>All files of the pattern now, in the order of their paths; touches the disk.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.FileNotFound"/> or <see cref="ErrorCodes.Invalid"/>: the folder cannot be read, or holds too many.</exception>
    public static IReadOnlyList<ArrivedFile> Look(FileGlob glob)
    {
        try
        {
            var files = new FileSystemEnumerable<ArrivedFile>(
                glob.Folder,
                static (ref FileSystemEntry entry) => new ArrivedFile(entry.ToFullPath(), entry.Length, entry.LastWriteTimeUtc),
                // A link in a folder is not followed: it could lead anywhere, and round in circles.
                new EnumerationOptions { RecurseSubdirectories = glob.Recursive, AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = glob.Recursive })
            {
                ShouldIncludePredicate = (ref FileSystemEntry entry) => !entry.IsDirectory && glob.Matches(entry.FileName),
            };
            var found = files.Take(MaxFiles + 1).OrderBy(static file => file.Path, StringComparer.Ordinal).ToList();
            return found.Count <= MaxFiles ? found : throw new GristmillException(
                ErrorCodes.Invalid, $"More than {MaxFiles} files fit '{glob.Name}' in '{glob.Folder}'.", "Move files away that are done, or narrow the pattern.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new GristmillException(ErrorCodes.FileNotFound, $"The folder '{glob.Folder}' cannot be read: {e.Message}", "Check the path and its permissions on the silos' hosts.", e)
                .With("file", glob.Folder);
        }
    }

    /// <summary>Files that have arrived since, at most so many; <see cref="Take"/> those that fire.</summary>
    public IReadOnlyList<ArrivedFile> Arrived(IReadOnlyList<ArrivedFile> now, int limit)
    {
        var arrived = now.Where(file => !_known.Contains(Digest(file)) && file.Rests(_before.GetValueOrDefault(file.Path))).Take(limit).ToList();
        _before = now.Where(file => !_known.Contains(Digest(file))).ToDictionary(static file => file.Path, StringComparer.Ordinal);
        return arrived;
    }

    /// <summary>Takes files into the ledger.</summary>
    /// <param name="files">Those that were fired for.</param>
    /// <param name="present">All there are: what is no longer there is forgotten first where the ledger is full.</param>
    public void Take(IEnumerable<ArrivedFile> files, IReadOnlyList<ArrivedFile> present)
    {
        foreach (var digest in files.Select(Digest))
        {
            if (_known.Add(digest))
            {
                _ledger.Add(digest);
            }
        }

        if (_ledger.Count > MaxFiles)
        {
            var there = present.Select(Digest).ToHashSet();
            var spare = _ledger.Count - MaxFiles;
            _ledger.RemoveAll(digest => spare > 0 && !there.Contains(digest) && spare-- > 0 && _known.Remove(digest));
        }
    }

    /// <summary>The firing's id for a file.</summary>
    public string IdOf(ArrivedFile file)
    {
        var id = _changes ? string.Create(CultureInfo.InvariantCulture, $"file:{file.Path}@{file.Modified.ToUnixTimeMilliseconds()}+{file.Bytes}") : $"file:{file.Path}";
        return id.Length <= 512 ? id : string.Create(CultureInfo.InvariantCulture, $"file:{Digest(file):x32}");
    }

    private UInt128 Digest(ArrivedFile file)
    {
        var text = _changes ? string.Create(CultureInfo.InvariantCulture, $"{file.Path}\0{file.Modified.UtcTicks}\0{file.Bytes}") : file.Path;
        return XxHash128.HashToUInt128(Encoding.UTF8.GetBytes(text));
    }
}
