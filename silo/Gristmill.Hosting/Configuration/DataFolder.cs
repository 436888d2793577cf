using System.Globalization;
using System.IO.Hashing;
using System.Text;
using Gristmill.Objects;

namespace Gristmill.Hosting;

/// <summary>
/// The folder of everything durable, held by one silo at a time. The lock is the operating system's, on an open file,
/// so that it ends with its process however that dies.
/// </summary>
public sealed class DataFolder : IDisposable
{
    // Beside the lock, not in it: a locked file cannot be read by the one who asks who holds it.
    private const string PidFile = "silo.pid";

    private readonly FileStream _lock;

    private DataFolder(string root, FileStream held, GristmillOptions options)
    {
        Root = root;
        Content = options.ContentDirectory is { } content ? Path.GetFullPath(content) : Path.Combine(root, "content");
        Stages = Path.Combine(options.ContentDirectory is null ? root : Content, "stages");
        _lock = held;
        var hash = XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(root)).ToString("x16", CultureInfo.InvariantCulture)[..8];
        Spill = options.SpillDirectory switch
        {
            null => Path.Combine(root, "spill"),
            "" => null,
            var spill => Path.GetFullPath(spill),
        };
        ObjectDirectory = options.ObjectDirectory ?? ObjectStoreOptions.DefaultDirectory($"{options.Cluster}-{hash}", root);
    }

    /// <summary>Full path.</summary>
    public string Root { get; }

    /// <summary>The database of grain state, reminders and membership.</summary>
    public string Database => Path.Combine(Root, "gristmill.db");

    /// <summary>The database of what runs log, and of the index they are searched by, where state is in SQLite.</summary>
    public string Tracking => Path.Combine(Root, "tracking.db");

    /// <summary>Model packages, user assemblies and artifacts.</summary>
    public string Content { get; }

    /// <summary>Log files of workers.</summary>
    public string Logs => Path.Combine(Root, "logs");

    /// <summary>Logs and checkpoints of stages: with the content, if that is shared, as any silo may be asked for them or go on with a stage.</summary>
    public string Stages { get; }

    /// <summary>The shared-memory segments that belong to this folder.</summary>
    public string ObjectDirectory { get; }

    /// <summary>What memory has no room for; null: nothing is spilled.</summary>
    public string? Spill { get; }

    /// <summary>Creates the folder if needed and takes its lock.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.DataFolderInUse"/>: another silo holds it.</exception>
    public static DataFolder Open(GristmillOptions options)
    {
        var root = Path.GetFullPath(options.DataDirectory);
        var path = Path.Combine(root, "lock");
        FileStream held;
        try
        {
            Directory.CreateDirectory(root);
            held = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"The data folder '{root}' cannot be written: {e.Message}",
                "Choose another with --data, or change its permissions.", e);
        }
        catch (IOException e) when (Directory.Exists(root))
        {
            throw new GristmillException(ErrorCodes.DataFolderInUse, $"The data folder '{root}' is in use by another silo{Holder(root)}.",
                "Stop that silo, or choose another folder with --data.", e);
        }
        catch (IOException e)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"The data folder '{root}' cannot be created: {e.Message}",
                "Choose another with --data.", e);
        }

        File.WriteAllText(Path.Combine(root, PidFile), Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
        return new DataFolder(root, held, options);
    }

    /// <summary>Gives the lock up.</summary>
    public void Dispose() => _lock.Dispose();

    private static string Holder(string root)
    {
        try
        {
            return int.TryParse(File.ReadAllText(Path.Combine(root, PidFile)), out var pid) ? $" (process {pid})" : "";
        }
        catch (IOException)
        {
            return "";
        }
    }
}
