using System.Globalization;
using Npgsql;

namespace Gristmill.Storage.Postgres.Database;

/// <summary>The tables of a state database: made when they are missing, brought up to date when they are older.</summary>
internal static class PostgresSchema
{
    public const int Version = 3;

    /// <summary>Names the lock of whoever makes or changes the tables; any number does that nobody else uses.</summary>
    private const long Lock = 0x6772_6973_746D_6C31;

    /// <summary>What brings the tables from each version to the next.</summary>
    /// <remarks>States are rewritten often and their keys never change: room on each page keeps updates on it and out of the index.</remarks>
    private static readonly string[] Steps =
    [
        """
        create table grain_state(
            grain text not null, name text not null, store text not null,
            payload bytea not null, etag bigint not null,
            primary key(grain, name, store)) with (fillfactor=70);
        create table reminder(
            grain text not null, name text not null, hash bigint not null,
            start bigint not null, period bigint not null, etag bigint not null,
            primary key(grain, name));
        create index reminder_hash on reminder(hash);
        create table membership_version(cluster text not null primary key, version integer not null);
        create table membership(
            cluster text not null, silo text not null, status integer not null, suspects text not null,
            proxy_port integer not null, host text, silo_name text, role_name text,
            update_zone integer not null, fault_zone integer not null,
            started bigint not null, alive bigint not null, etag bigint not null,
            primary key(cluster, silo));
        """,
        TrackingSchema.Create,
        TrackingSchema.Durations,
    ];

    /// <summary>Makes or migrates the tables; returns the version they had before, 0 if there were none.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.StorageUnavailable"/>: they are of a newer version.</exception>
    public static async Task<int> EnsureAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        // Without rights to change tables this is all that happens: somebody else has made them.
        var version = await ReadAsync(connection, cancellationToken);
        if (version == Version)
        {
            return version;
        }

        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await RunAsync(connection, string.Create(CultureInfo.InvariantCulture, $"select pg_advisory_xact_lock({Lock})"), cancellationToken);
        version = await ReadAsync(connection, cancellationToken);
        if (version > Version)
        {
            throw new GristmillException(
                ErrorCodes.StorageUnavailable,
                $"The tables of database '{connection.Database}' have version {version}, made by a newer Gristmill; this one knows {Version}.",
                "Run the newer version, or name another database.");
        }

        for (var step = version; step < Version; step++)
        {
            await RunAsync(connection, Steps[step], cancellationToken);
        }

        await RunAsync(connection, string.Create(
            CultureInfo.InvariantCulture,
            $"create table if not exists gristmill_schema(version integer not null); delete from gristmill_schema; insert into gristmill_schema values({Version})"), cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return version;
    }

    private static async Task<int> ReadAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        // By the catalog's rows and not to_regclass: a transaction that waited for another's would still remember that there is none.
        await using var exists = new NpgsqlCommand(
            "select exists(select 1 from pg_class c join pg_namespace n on n.oid=c.relnamespace where c.relname='gristmill_schema' and n.nspname=any(current_schemas(false)))",
            connection);
        if (await exists.ExecuteScalarAsync(cancellationToken) is not true)
        {
            return 0;
        }

        await using var read = new NpgsqlCommand("select coalesce(max(version), 0) from gristmill_schema", connection);
        return (int)(await read.ExecuteScalarAsync(cancellationToken))!;
    }

    private static async Task RunAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
