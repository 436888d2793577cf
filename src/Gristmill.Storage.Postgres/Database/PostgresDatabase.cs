using Npgsql;

namespace Gristmill.Storage.Postgres.Database;

/// <summary>A database that this process uses: pooled connections for reading, one writer, and the tables, made when first needed.</summary>
internal sealed class PostgresDatabase : IAsyncDisposable
{
    private static readonly Lock Registry = new();
    private static readonly Dictionary<string, PostgresDatabase> Open = new(StringComparer.Ordinal);

    private readonly string _key;
    private readonly NpgsqlDataSource _source;
    /// <summary>Of connections that are used by one thread and without asynchronous calls: no pooled one, which had some.</summary>
    private readonly NpgsqlDataSource _unpooled;
    private readonly PostgresWriter _writer;
    private readonly Lock _lock = new();
    private Task? _ready;
    private int _users;

    private PostgresDatabase(PostgresOptions options)
    {
        _key = options.ConnectionString;
        var settings = new NpgsqlConnectionStringBuilder(options.ConnectionString) { ApplicationName = "gristmill" };
        // Statements are few and each is sent often: the server plans them once a connection.
        settings.MaxAutoPrepare = settings.MaxAutoPrepare == 0 ? 32 : settings.MaxAutoPrepare;
        settings.AutoPrepareMinUsages = 2;
        settings.PersistSecurityInfo = false;
        Name = $"'{settings.Database ?? settings.Username}' at {settings.Host}:{settings.Port}";
        _source = new NpgsqlDataSourceBuilder(settings.ConnectionString).Build();
        settings.Pooling = false;
        _unpooled = new NpgsqlDataSourceBuilder(settings.ConnectionString).Build();
        _writer = new PostgresWriter(this, options);
    }

    /// <summary>Database, host and port: what may be shown and logged.</summary>
    public string Name { get; }

    /// <summary>Joins those of this process who use the database.</summary>
    public static PostgresDatabase Acquire(PostgresOptions options)
    {
        lock (Registry)
        {
            if (!Open.TryGetValue(options.ConnectionString, out var database))
            {
                Open.Add(options.ConnectionString, database = new PostgresDatabase(options));
            }

            database._users++;
            return database;
        }
    }

    /// <summary>Writes a state in a transaction shared with others; completes when it is durable.</summary>
    /// <param name="write">The change.</param>
    /// <returns>Null, or the ETag that is stored instead of the one that was expected.</returns>
    public Task<string?> WriteAsync(StateWrite write) => _writer.WriteAsync(write);

    /// <summary>Writes two, the second after the first, and waits for the server on the caller's thread unless others write; not for a grain's turn.</summary>
    public Task<string?> WriteHereAsync(StateWrite write, StateWrite second) => _writer.WriteHereAsync(write, second);

    /// <summary>An open connection of the pool, to a database that has the tables.</summary>
    public async Task<NpgsqlConnection> ConnectAsync(CancellationToken cancellationToken = default)
    {
        await ReadyAsync().ConfigureAwait(false);
        return await OpenAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>An open connection of one's own, made on the calling thread, which must have nothing else to do.</summary>
    public NpgsqlConnection Connect()
    {
        ReadyAsync().GetAwaiter().GetResult();
        return _unpooled.OpenConnection();
    }

    /// <summary>Runs one command and reads what it gives.</summary>
    public async Task<List<T>> ReadAsync<T>(string sql, Func<NpgsqlDataReader, T> row, params object[] arguments)
    {
        try
        {
            await using var connection = await ConnectAsync();
            await using var command = Command(connection, sql, arguments);
            await using var reader = await command.ExecuteReaderAsync();
            var rows = new List<T>();
            while (await reader.ReadAsync())
            {
                rows.Add(row(reader));
            }

            return rows;
        }
        catch (Exception e) when (PostgresErrors.Describe(e, Name) is GristmillException described && described != e)
        {
            throw described;
        }
    }

    /// <summary>Runs one command; returns the number of rows it changed.</summary>
    public async Task<int> ExecuteAsync(string sql, params object[] arguments)
    {
        try
        {
            await using var connection = await ConnectAsync();
            await using var command = Command(connection, sql, arguments);
            return await command.ExecuteNonQueryAsync();
        }
        catch (Exception e) when (PostgresErrors.Describe(e, Name) is GristmillException described && described != e)
        {
            throw described;
        }
    }

    /// <summary>Makes or migrates the tables; returns the version they had before.</summary>
    public async Task<int> InitializeAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            await using var connection = await OpenAsync(cancellationToken);
            return await PostgresSchema.EnsureAsync(connection, cancellationToken);
        }
        catch (Exception e) when (PostgresErrors.Describe(e, Name) is GristmillException described && described != e)
        {
            throw described;
        }
    }

    /// <summary>Leaves; the last one to leave waits for what is being written and closes the connections.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (Registry)
        {
            if (--_users > 0)
            {
                return;
            }

            Open.Remove(_key);
        }

        await Task.Run(_writer.Dispose);
        await _unpooled.DisposeAsync();
        await _source.DisposeAsync();
    }

    public static NpgsqlCommand Command(NpgsqlConnection connection, string sql, params ReadOnlySpan<object> arguments)
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (var argument in arguments)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = argument });
        }

        return command;
    }

    private async Task<NpgsqlConnection> OpenAsync(CancellationToken cancellationToken) => await _source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);

    private Task ReadyAsync()
    {
        lock (_lock)
        {
            return _ready is { IsFaulted: false, IsCanceled: false } ? _ready : _ready = Task.Run(() => InitializeAsync());
        }
    }
}
