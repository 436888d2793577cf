using Gristmill.Data.Interop;

namespace Gristmill.Data.Writing;

/// <summary>
/// A file or folder that is there as a whole or not at all: it is written beside under a name that begins with a point, flushed to the disk, and renamed. What
/// is not committed is removed.
/// </summary>
internal sealed class WriteTarget : IDisposable
{
    private readonly string _target;
    private readonly bool _overwrite;
    private readonly bool _isFolder;
    private bool _committed;

    private WriteTarget(string target, bool overwrite, bool isFolder)
    {
        (_target, _overwrite, _isFolder) = (target, overwrite, isFolder);
        Check();
        var folder = System.IO.Path.GetDirectoryName(target)!;
        Directory.CreateDirectory(folder);
        // The ending stays: it may say the format.
        Path = System.IO.Path.Combine(folder, $".{Guid.NewGuid():N}.{System.IO.Path.GetFileName(target)}");
    }

    /// <summary>Where it is written.</summary>
    public string Path { get; }

    /// <exception cref="GristmillException"><see cref="ErrorCodes.Conflict"/>: it is there.</exception>
    public static WriteTarget File(string target, bool overwrite) => new(target, overwrite, false);

    /// <exception cref="GristmillException"><see cref="ErrorCodes.Conflict"/>: it is there.</exception>
    public static WriteTarget Folder(string target, bool overwrite) => new(target, overwrite, true);

    public void Commit()
    {
        if (_isFolder)
        {
            FlushFolder(Path);
            Check();
            var old = Directory.Exists(_target) ? $"{Path}.old" : null;
            if (old is not null)
            {
                Directory.Move(_target, old);
            }

            try
            {
                Directory.Move(Path, _target);
            }
            catch when (old is not null)
            {
                Directory.Move(old, _target);
                throw;
            }

            if (old is not null)
            {
                Directory.Delete(old, recursive: true);
            }
        }
        else
        {
            FlushFile(Path);
            try
            {
                System.IO.File.Move(Path, _target, _overwrite);
            }
            catch (IOException) when (!_overwrite && System.IO.File.Exists(_target))
            {
                throw Conflict();
            }
        }

        _committed = true;
        FolderSync.Flush(System.IO.Path.GetDirectoryName(_target)!);
    }

    public void Dispose()
    {
        if (_committed)
        {
            return;
        }

        if (_isFolder && Directory.Exists(Path))
        {
            Directory.Delete(Path, recursive: true);
        }
        else
        {
            System.IO.File.Delete(Path);
        }
    }

    private static void FlushFile(string path)
    {
        using var file = System.IO.File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);
        RandomAccess.FlushToDisk(file);
    }

    private static void FlushFolder(string folder)
    {
        foreach (var file in Directory.EnumerateFiles(folder))
        {
            FlushFile(file);
        }

        foreach (var inner in Directory.EnumerateDirectories(folder))
        {
            FlushFolder(inner);
        }

        FolderSync.Flush(folder);
    }

    private void Check()
    {
        if (_isFolder ? System.IO.File.Exists(_target) || (!_overwrite && Directory.Exists(_target)) : Directory.Exists(_target) || (!_overwrite && System.IO.File.Exists(_target)))
        {
            throw Conflict();
        }
    }

    private GristmillException Conflict() =>
        new GristmillException(ErrorCodes.Conflict, $"'{_target}' is there already.", "Choose another name, or set Overwrite.").With("file", _target);
}
