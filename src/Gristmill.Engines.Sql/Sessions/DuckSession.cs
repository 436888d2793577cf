using System.Globalization;
using DuckDB.NET.Data;
using DuckDB.NET.Native;
using Gristmill.Engines.Sql.Interop;
using Gristmill.Engines.Sql.Querying;

namespace Gristmill.Engines.Sql.Sessions;

/// <summary>One in-memory database, with limits of its own.</summary>
internal sealed class DuckSession : IDisposable
{
    private readonly DuckDBConnection _connection;
    private readonly string? _tempDirectory;
    private int _inputs;

    private DuckSession(DuckSettings settings, DuckDBConnection connection, string? tempDirectory)
    {
        Settings = settings;
        _connection = connection;
        _tempDirectory = tempDirectory;
    }

    public DuckSettings Settings { get; }

    public ScanProgress Scans { get; } = new();

    public DuckDBNativeConnection Native => _connection.NativeConnection;

    /// <summary>Opens the database of an attempt.</summary>
    public static DuckSession Open(StageContext context, SqlEngineOptions options) => Open(DuckSettings.Of(context, options));

    /// <summary>Opens a database. It loads nothing from outside and keeps nothing.</summary>
    public static DuckSession Open(DuckSettings limits)
    {
        var temp = Path.Combine(limits.TempDirectory, $"gristmill-sql-{Guid.NewGuid():N}");
        var settings = new DuckDBConnectionStringBuilder
        {
            DataSource = DuckDBConnectionStringBuilder.InMemoryDataSource,
            Threads = limits.Threads,
            MemoryLimit = string.Create(CultureInfo.InvariantCulture, $"{limits.MemoryMiB}MiB"),
            TempDirectory = temp,
            ErrorsAsJson = true,
            AutoinstallKnownExtensions = false,
            AutoloadKnownExtensions = false,
            AllowPersistentSecrets = false,
        };
        var connection = new DuckDBConnection(settings.ConnectionString);
        var session = new DuckSession(limits, connection, temp);
        try
        {
            connection.Open();
            session.Prepare();
            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>A second connection to the same database, for a second statement at a time. It shares the limits, and goes before this one.</summary>
    public DuckSession Connect()
    {
        var session = new DuckSession(Settings, _connection.Duplicate(), null);
        try
        {
            session._connection.Open();
            session.Prepare();
            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>Makes a table known under a name, and its columns by their positions: "c0", "c1" and so on for the prefix "c". The table is disposed with the session.</summary>
    public void AddInput(string name, ScanTable table, string columnPrefix)
    {
        table.ColumnPrefix = columnPrefix;
        AddInput(name, table);
    }

    /// <summary>Makes a table known under a name. The table is disposed with the session.</summary>
    /// <exception cref="GristmillException">
    /// <see cref="ErrorCodes.Sql"/>: SQL cannot tell its columns apart. <see cref="ErrorCodes.TypeMismatch"/>: it cannot read one.
    /// </exception>
    public void AddInput(string name, ScanTable table)
    {
        if (table.ColumnPrefix is null && InputColumns.Unspeakable(table.Schema) is { } reason)
        {
            table.Dispose();
            throw new GristmillException(ErrorCodes.Sql, $"Table '{name}' {reason}.", "Rename it in the stage that makes the table.").With("table", name);
        }

        table.Threads = Settings.Threads;
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
        if (_tempDirectory is null)
        {
            return;
        }

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

    /// <summary>Changes a setting.</summary>
    public void Set(string name, string value) => Execute($"set {name} = {value}");

    private void Prepare()
    {
        // Results must not depend on where they are computed.
        Set("TimeZone", "'UTC'");
        Set("enable_progress_bar", "true");
        Set("enable_progress_bar_print", "false");
    }

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
