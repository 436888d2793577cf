using System.Security.Cryptography;
using System.Threading.Channels;

namespace Gristmill.Cli.Infrastructure;

/// <summary>
/// Tells when the sources beside a pipeline's file have changed: when what they say did, not only their date, and when the editor
/// has been quiet for a moment, as it may write one file in several steps.
/// </summary>
internal sealed class SourceWatcher : IDisposable
{
    /// <summary>Quiet that must follow a change.</summary>
    public static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(80);

    private static readonly HashSet<string> s_extensions = new(StringComparer.OrdinalIgnoreCase) { ".cs", ".csproj", ".props", ".targets", ".json", ".sql" };
    private static readonly HashSet<string> s_generated = new(StringComparer.OrdinalIgnoreCase) { "bin", "obj", "artifacts", "gristmill-data", "node_modules", "tests" };

    private readonly string _folder;
    private readonly TimeProvider _time;
    private readonly FileSystemWatcher _watcher;
    private readonly Channel<string> _changes = Channel.CreateUnbounded<string>();
    private readonly Dictionary<string, string> _known = new(StringComparer.Ordinal);

    /// <param name="folder">The folder to watch, with those in it.</param>
    /// <param name="time">The clock of the quiet.</param>
    public SourceWatcher(string folder, TimeProvider time)
    {
        _folder = Path.GetFullPath(folder);
        _time = time;
        foreach (var file in Directory.EnumerateFiles(_folder, "*", new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true }).Where(IsSource))
        {
            _known[file] = Digest(file);
        }

        _watcher = new FileSystemWatcher(_folder) { IncludeSubdirectories = true, NotifyFilter = NotifyFilters.FileName | NotifyFilters.LastWrite | NotifyFilters.Size };
        // Editors write in place, or write another file and rename it.
        _watcher.Changed += (_, change) => Note(change.FullPath);
        _watcher.Created += (_, change) => Note(change.FullPath);
        _watcher.Deleted += (_, change) => Note(change.FullPath);
        _watcher.Renamed += (_, change) =>
        {
            Note(change.OldFullPath);
            Note(change.FullPath);
        };
        _watcher.EnableRaisingEvents = true;
    }

    /// <summary>Waits until sources have changed.</summary>
    /// <returns>Which, relative to the folder.</returns>
    public async Task<IReadOnlyList<string>> NextAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var touched = new SortedSet<string>(StringComparer.Ordinal) { await _changes.Reader.ReadAsync(cancellationToken) };
            while (await ComesWithinQuietAsync(cancellationToken))
            {
                while (_changes.Reader.TryRead(out var more))
                {
                    touched.Add(more);
                }
            }

            var changed = touched.Where(HasChanged).Select(file => Path.GetRelativePath(_folder, file)).ToList();
            if (changed.Count > 0)
            {
                return changed;
            }
        }
    }

    public void Dispose() => _watcher.Dispose();

    /// <summary>Whether a file is a source, not something that a build or an editor leaves.</summary>
    internal bool IsSource(string path)
    {
        var parts = Path.GetRelativePath(_folder, path).Split(Path.DirectorySeparatorChar);
        return s_extensions.Contains(Path.GetExtension(path)) && !parts.Any(part => part.StartsWith('.') || s_generated.Contains(part));
    }

    private async Task<bool> ComesWithinQuietAsync(CancellationToken cancellationToken)
    {
        using var quiet = new CancellationTokenSource(Quiet, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(quiet.Token, cancellationToken);
        try
        {
            return await _changes.Reader.WaitToReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    private void Note(string path)
    {
        if (IsSource(path))
        {
            _changes.Writer.TryWrite(path);
        }
    }

    private bool HasChanged(string file)
    {
        var now = Digest(file);
        var before = _known.GetValueOrDefault(file, "");
        _known[file] = now;
        return now != before;
    }

    /// <summary>Empty for a file that is gone.</summary>
    private static string Digest(string file)
    {
        try
        {
            return Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
