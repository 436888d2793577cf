using System.Globalization;
using DuckDB.NET.Data;
using DuckDB.NET.Native;
using Gristmill.Engines.Sql.Interop;

namespace Gristmill.Engines.Sql.Sessions;

/// <summary>One in-memory database for one attempt, with the attempt's limits.</summary>
internal sealed class DuckSession : IDisposable
{
    private readonly DuckDBConnection _connection;
    private readonly string _tempDirectory;
    private int _inputs;

    private DuckSession(StageContext context, DuckDBConnection connection, string tempDirectory)
    {
        Context = context;
        _connection = connection;
        _tempDirectory = tempDirectory;
    }

    public StageContext Context { get; }

    public ScanProgress Scans { get; } = new();

    public DuckDBNativeConnection Native => _connection.NativeConnection;

    /// <summary>Opens the database. It loads nothing from outside and keeps nothing.</summary>
    public static DuckSession Open(StageContext context, SqlEngineOptions options)
    {
        var temp = Path.Combine(options.TempDirectory, $"gristmill-sql-{Guid.NewGuid():N}");
        var settings = new DuckDBConnectionStringBuilder
        {
            DataSource = DuckDBConnectionStringBuilder.InMemoryDataSource,
            Threads = context.Threads,
            MemoryLimit = string.Create(CultureInfo.InvariantCulture, $"{MemoryMiB(context, options)}MiB"),
            TempDirectory = temp,
            ErrorsAsJson = true,
            AutoinstallKnownExtensions = false,
            AutoloadKnownExtensions = false,
            AllowPersistentSecrets = false,
        };
        var connection = new DuckDBConnection(settings.ConnectionString);
        var session = new DuckSession(context, connection, temp);
        try
        {
            connection.Open();
            // Results must not depend on where they are computed.
            session.Set("TimeZone", "'UTC'");
            session.Set("enable_progress_bar", "true");
            session.Set("enable_progress_bar_print", "false");
            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>Makes a table known under a name. The table is disposed with the session.</summary>
    public void AddInput(string name, SegmentTable table)
    {
        table.Threads = Context.Threads;
        table.Progress = Scans;
        var function = string.Create(CultureInfo.InvariantCulture, $"gristmill_input_{_inputs++}");
        SegmentScan.Register(Native, function, table);
        Execute($"create view {QueryText.Identifier(name)} as select * from {function}()");
    }

    /// <summary>From here on, no statement reaches a file or changes a setting.</summary>
    public void Seal()
    {
        Set("enable_external_access", "false");
        Lock();
    }

    /// <summary>From here on, no statement changes a setting.</summary>
    public void Lock() => Set("lock_configuration", "true");

    public void Dispose()
    {
        _connection.Dispose();
        try
        {
            Directory.Delete(_tempDirectory, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // Made only when something was spilled.
        }
        catch (IOException)
        {
            // Left to the system's own cleaning; the attempt itself is done.
        }
    }

    private static long MemoryMiB(StageContext context, SqlEngineOptions options)
    {
        if (options.MemoryMiB > 0)
        {
            return options.MemoryMiB;
        }

        var limit = context.Request.Limits.MemoryMiB;
        return Math.Max(64, limit > 0 ? limit * 3L / 4 : GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2 >> 20);
    }

    private void Set(string name, string value) => Execute($"set {name} = {value}");

    private void Execute(string sql)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = sql;
        try
        {
            command.ExecuteNonQuery();
        }
        catch (DuckDBException e)
        {
            throw new GristmillException(ErrorCodes.Internal, $"DuckDB refused '{sql}': {DuckError.Parse(e.Message).Message}", inner: e);
        }
    }
}
