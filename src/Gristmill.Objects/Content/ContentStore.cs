using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Gristmill.Objects.Platform;

namespace Gristmill.Objects;

/// <summary>
/// Immutable folders of files named by digest, on local disk: model packages and user assemblies. A folder appears
/// whole or not at all, and the same content is kept once. Safe for many threads and processes.
/// </summary>
/// <param name="root">The folder that holds them.</param>
/// <param name="time">The clock that ages staged folders; the system's if left out.</param>
public sealed class ContentStore(string root, TimeProvider? time = null)
{
    private const string StagingFolder = "staging";
    private static readonly SearchValues<char> Hexadecimal = SearchValues.Create("0123456789abcdef");
    private readonly TimeProvider _time = time ?? TimeProvider.System;

    /// <summary>The folder that holds them.</summary>
    public string Root { get; } = Path.GetFullPath(root);

    /// <summary>A new empty folder to fill; <see cref="Commit"/> takes it in, otherwise a later <see cref="Sweep"/> removes it.</summary>
    public string Stage()
    {
        string staged = Path.Combine(Root, StagingFolder, Guid.NewGuid().ToString("n"));
        Directory.CreateDirectory(staged);
        return staged;
    }

    /// <summary>Takes a staged folder in: digests it, flushes it to disk and renames it into place. The staged folder is gone afterwards.</summary>
    /// <param name="stagedFolder">A folder that <see cref="Stage"/> gave out.</param>
    /// <returns>
    /// The SHA-256 over each file's relative path (UTF-8, '/' between folders, ordinal order), its length and its content; 64
    /// hexadecimal digits; and the size of all files in bytes.
    /// </returns>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: empty, not a staged folder, or holding a link; <see cref="ErrorCodes.StoreFull"/>.</exception>
    public (string Digest, long Bytes) Commit(string stagedFolder)
    {
        string staged = Path.GetFullPath(stagedFolder);
        if (Path.GetDirectoryName(staged) != Path.Combine(Root, StagingFolder) || !Directory.Exists(staged))
        {
            throw new GristmillException(ErrorCodes.Invalid, $"{stagedFolder} is not a staged folder of {Root}.",
                "Fill a folder that Stage gave out, and commit it once.");
        }

        var files = new List<(string Name, string Path)>();
        Collect(staged, "", files);
        if (files.Count == 0)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"The staged folder {stagedFolder} holds no files.", "Put files into it first.");
        }

        files.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
        var (digest, bytes) = Digest(files);
        string target = Path.Combine(Root, digest);
        if (Directory.Exists(target))
        {
            Directory.Delete(staged, recursive: true); // the same content is there already
            return (digest, bytes);
        }

        foreach (var (_, path) in files)
        {
            SegmentPlatform.Current.Flush(path);
        }

        foreach (string folder in Directory.EnumerateDirectories(staged, "*", SearchOption.AllDirectories).Append(staged))
        {
            SegmentPlatform.Current.Flush(folder);
        }

        try
        {
            Directory.Move(staged, target);
        }
        catch (IOException) when (Directory.Exists(target))
        {
            Directory.Delete(staged, recursive: true); // another process was first with the same content
            return (digest, bytes);
        }

        SegmentPlatform.Current.Flush(Root);
        return (digest, bytes);
    }

    /// <summary>The folder of a digest.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.NotFound"/>; <see cref="ErrorCodes.Invalid"/> for a digest that is none.</exception>
    public string GetPath(string digest)
    {
        if (!IsDigest(digest))
        {
            throw new GristmillException(ErrorCodes.Invalid, $"'{digest}' is not a content digest.",
                "A digest has 64 lower-case hexadecimal digits.");
        }

        string path = Path.Combine(Root, digest);
        return Directory.Exists(path)
            ? path
            : throw new GristmillException(ErrorCodes.NotFound, $"Content {digest} is not in {Root}.", "Upload it again.").With("digest", digest);
    }

    /// <summary>Whether it is there.</summary>
    public bool Contains(string digest) => IsDigest(digest) && Directory.Exists(Path.Combine(Root, digest));

    /// <summary>Removes content. False if it was not there.</summary>
    public bool Delete(string digest)
    {
        if (!Contains(digest))
        {
            return false;
        }

        // Out of sight in one step, so that nobody finds half of it.
        string doomed = Stage();
        try
        {
            Directory.Move(Path.Combine(Root, digest), Path.Combine(doomed, digest));
            return true;
        }
        catch (DirectoryNotFoundException)
        {
            return false;
        }
        finally
        {
            Directory.Delete(doomed, recursive: true);
        }
    }

    /// <summary>Removes staged folders that nobody touched for a while: their makers died.</summary>
    /// <param name="olderThan">Age from which a staged folder is given up.</param>
    /// <returns>How many were removed.</returns>
    public int Sweep(TimeSpan olderThan)
    {
        var staging = new DirectoryInfo(Path.Combine(Root, StagingFolder));
        if (!staging.Exists)
        {
            return 0;
        }

        int removed = 0;
        var limit = _time.GetUtcNow().UtcDateTime - olderThan;
        foreach (var folder in staging.EnumerateDirectories())
        {
            try
            {
                var touched = folder.EnumerateFileSystemInfos("*", SearchOption.AllDirectories)
                    .Select(entry => entry.LastWriteTimeUtc).Append(folder.LastWriteTimeUtc).Max();
                if (touched <= limit)
                {
                    folder.Delete(recursive: true);
                    removed++;
                }
            }
            catch (DirectoryNotFoundException)
            {
                // Committed or swept by another process meanwhile.
            }
        }

        return removed;
    }

    private static bool IsDigest([NotNullWhen(true)] string? digest) =>
        digest is { Length: 64 } && !digest.AsSpan().ContainsAnyExcept(Hexadecimal);

    private static void Collect(string folder, string prefix, List<(string, string)> files)
    {
        foreach (var entry in new DirectoryInfo(folder).EnumerateFileSystemInfos())
        {
            string name = prefix + entry.Name;
            if (entry.LinkTarget is not null || (entry.Attributes & FileAttributes.ReparsePoint) != 0)
            {
                throw new GristmillException(ErrorCodes.Invalid, $"'{name}' is a symbolic link, which content must not hold.",
                    "Put the file itself there.").With("file", name);
            }

            if (entry is DirectoryInfo)
            {
                Collect(entry.FullName, name + "/", files);
            }
            else if (entry.Name.Contains('\\', StringComparison.Ordinal))
            {
                throw new GristmillException(ErrorCodes.Invalid, $"The file name '{name}' holds a backslash, which separates folders elsewhere.",
                    "Rename the file.").With("file", name);
            }
            else if (!OperatingSystem.IsWindows() && (File.GetAttributes(entry.FullName) & FileAttributes.Device) != 0)
            {
                throw new GristmillException(ErrorCodes.Invalid, $"'{name}' is a device.", "Content holds plain files.").With("file", name);
            }
            else
            {
                files.Add((name, entry.FullName));
            }
        }
    }

    private static (string Digest, long Bytes) Digest(List<(string Name, string Path)> files)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(1 << 16);
        Span<byte> length = stackalloc byte[8];
        try
        {
            long total = 0;
            foreach (var (name, path) in files)
            {
                using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 0);

                // Lengths before texts, so that no two folders give the same bytes.
                byte[] utf8 = Encoding.UTF8.GetBytes(name);
                BitConverter.TryWriteBytes(length, (long)utf8.Length);
                hash.AppendData(length);
                hash.AppendData(utf8);
                BitConverter.TryWriteBytes(length, file.Length);
                hash.AppendData(length);
                for (int read; (read = file.Read(buffer)) > 0; total += read)
                {
                    hash.AppendData(buffer, 0, read);
                }
            }

            return (Convert.ToHexStringLower(hash.GetHashAndReset()), total);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
