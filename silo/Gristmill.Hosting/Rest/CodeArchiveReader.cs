using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;

namespace Gristmill.Hosting;

/// <summary>
/// Unpacks an uploaded archive of assemblies into a staged folder. It trusts nothing that the archive says of itself: names are plain
/// relative paths, each once; sizes are counted while inflating; links and the like are refused, and so is what grows too much.
/// </summary>
internal static class CodeArchiveReader
{
    /// <summary>Files of one archive; a pipeline ships its own assembly and what it brings along.</summary>
    public const int MaxFiles = 2000;

    /// <summary>Times its own size that an archive may unpack to; assemblies compress to a half or a third.</summary>
    public const int MaxRatio = 100;

    private const int MaxName = 240;
    private const long SmallArchive = 16L << 20;
    private const int EndRecordBytes = 22;
    private const int EntryBytes = 46 + MaxName + 512;

    // The type in a Unix mode, in the upper half of the external attributes (APPNOTE 4.4.15, stat(2)).
    private const int TypeMask = 0xF000;
    private const int RegularFile = 0x8000;
    private const int Folder = 0x4000;

    /// <summary>Unpacks.</summary>
    /// <param name="archivePath">The archive.</param>
    /// <param name="folder">An empty folder.</param>
    /// <param name="maxBytes">The most it may unpack to.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: what is wrong with which entry; <see cref="ErrorCodes.TooLarge"/>.</exception>
    public static async Task ExtractAsync(string archivePath, string folder, long maxBytes, CancellationToken cancellationToken)
    {
        try
        {
            var size = CheckDirectory(archivePath);
            await using var archive = await ZipFile.OpenReadAsync(archivePath, cancellationToken);
            if (archive.Entries.Count > MaxFiles)
            {
                throw TooMany(archive.Entries.Count);
            }

            var limit = Math.Min(maxBytes, Math.Max(SmallArchive, size * MaxRatio));
            var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
            long total = 0;
            foreach (var entry in archive.Entries)
            {
                CheckEntry(entry, names);
                if (entry.Name.Length > 0)
                {
                    total = await UnpackAsync(entry, folder, total, limit, cancellationToken);
                }
            }
        }
        catch (InvalidDataException e)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"The body is not a zip archive that can be read: {e.Message}", "Pack the assemblies with a plain zip program, without encryption.", e);
        }
        catch (Exception e) when (e is NotSupportedException or EndOfStreamException)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"The archive uses what is not read here: {e.Message}", "Pack it as plain zip, stored or deflated.", e);
        }
    }

    /// <summary>Looks at the record at the archive's end before its directory is read into memory: a small file can claim millions of entries.</summary>
    private static long CheckDirectory(string path)
    {
        using var file = File.OpenHandle(path);
        var length = RandomAccess.GetLength(file);
        var tail = new byte[(int)Math.Min(length, EndRecordBytes + ushort.MaxValue)];
        var start = length - tail.Length;
        for (var read = 0; read < tail.Length;)
        {
            var got = RandomAccess.Read(file, tail.AsSpan(read), start + read);
            if (got == 0)
            {
                break;
            }

            read += got;
        }

        var at = tail.AsSpan().LastIndexOf("PK\u0005\u0006"u8);
        if (at < 0 || tail.Length - at < EndRecordBytes)
        {
            throw new InvalidDataException("its end record is missing");
        }

        var record = tail.AsSpan(at);
        var entries = BinaryPrimitives.ReadUInt16LittleEndian(record[10..]);
        var directory = BinaryPrimitives.ReadUInt32LittleEndian(record[16..]);
        // 0xFFFF points to the larger records of Zip64, which no pipeline needs.
        if (entries > MaxFiles)
        {
            throw TooMany(entries);
        }

        return start + at - directory <= (long)MaxFiles * EntryBytes
            ? length
            : throw new GristmillException(ErrorCodes.Invalid, "The archive's directory is larger than its files need.", "Pack it anew.");
    }

    private static void CheckEntry(ZipArchiveEntry entry, HashSet<string> names)
    {
        var name = entry.FullName;
        var type = (entry.ExternalAttributes >> 16) & TypeMask;
        if (type is not (0 or RegularFile or Folder))
        {
            throw Refuse(name, "is a link or device, not a file");
        }

        if (name.Length is 0 or > MaxName || name.Any(c => char.IsControl(c) || c is '\\' or ':'))
        {
            throw Refuse(name, "has a name that is empty, too long, or holds '\\', ':' or control characters");
        }

        if (name[0] == '/' || name.TrimEnd('/').Split('/').Any(part => part is "" or "." or ".."))
        {
            throw Refuse(name, "lies outside of the archive");
        }

        if (!names.Add(name.TrimEnd('/')))
        {
            throw Refuse(name, "is there twice");
        }
    }

    private static async Task<long> UnpackAsync(ZipArchiveEntry entry, string folder, long total, long limit, CancellationToken cancellationToken)
    {
        var target = Path.GetFullPath(Path.Combine(folder, entry.FullName));
        if (!target.StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal))
        {
            throw Refuse(entry.FullName, "lies outside of the archive");
        }

        FileStream sink;
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            sink = new FileStream(target, FileMode.CreateNew, FileAccess.Write);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException && (File.Exists(target) || Directory.Exists(target) || File.Exists(Path.GetDirectoryName(target))))
        {
            throw Refuse(entry.FullName, "is a file and a folder, or there twice");
        }

        await using (sink)
        {
            await using var source = await entry.OpenAsync(cancellationToken);
            var buffer = new byte[81920];
            int read;
            // Counted while inflating: the sizes an archive claims are not to be believed.
            while ((read = await source.ReadAsync(buffer, cancellationToken)) > 0)
            {
                total += read;
                if (total > limit)
                {
                    throw new GristmillException(ErrorCodes.TooLarge, string.Create(CultureInfo.InvariantCulture, $"The archive unpacks to more than {limit:N0} bytes."),
                        "Ship the pipeline's own assemblies only.").With("file", entry.FullName);
                }

                await sink.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
            }
        }

        return total;
    }

    private static GristmillException TooMany(int files) =>
        new(ErrorCodes.Invalid, $"The archive has {(files == ushort.MaxValue ? "65,535 files or more" : files.ToString("N0", CultureInfo.InvariantCulture) + " files")}.", $"At most {MaxFiles} are taken.");

    private static GristmillException Refuse(string name, string what) =>
        new GristmillException(ErrorCodes.Invalid, $"The archive's entry '{Shown(name)}' {what}.", "Use plain files with relative paths, each once.").With("file", Shown(name));

    private static string Shown(string name) => string.Concat(name.Take(80).Select(c => char.IsControl(c) ? '?' : c)) + (name.Length > 80 ? "..." : "");
}
