using System.Globalization;
using Gristmill.Storage.Postgres.Database;
using Microsoft.Extensions.Options;
using Npgsql;
using Orleans.Configuration;

namespace Gristmill.Storage.Postgres;

/// <summary>Options of clustering through PostgreSQL, for silos and clients.</summary>
public sealed class PostgresClusteringOptions : PostgresOptions;

/// <summary>
/// Cluster membership in PostgreSQL. A change swaps the table's version and the silo's row in one transaction, and only if
/// both are as the caller last saw them; the lock on the version's row keeps changes one after the other.
/// </summary>
internal sealed class PostgresMembershipTable(IOptions<PostgresClusteringOptions> options, IOptions<ClusterOptions> cluster)
    : IMembershipTable, IAsyncDisposable
{
    // The version in each row, and alone where there is no silo: one statement sees one snapshot.
    private const string Rows = """
        select v.version, m.silo, m.status, m.suspects, m.proxy_port, m.host, m.silo_name, m.role_name, m.update_zone, m.fault_zone, m.started, m.alive, m.etag
        from membership_version v left join membership m on m.cluster=v.cluster
        """;
    private const string Swap = "update membership_version set version=$2 where cluster=$1 and version=$3";
    private const string Insert = """
        insert into membership(cluster, silo, status, suspects, proxy_port, host, silo_name, role_name, update_zone, fault_zone, started, alive, etag)
        values($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) on conflict do nothing
        """;
    private const string Update = """
        update membership set status=$3, suspects=$4, proxy_port=$5, host=$6, silo_name=$7, role_name=$8,
            update_zone=$9, fault_zone=$10, started=$11, alive=$12, etag=$13
        where cluster=$1 and silo=$2 and etag=$14
        """;

    private readonly PostgresDatabase _database = PostgresDatabase.Acquire(options.Value);
    private readonly string _cluster = cluster.Value.ClusterId;
    private int _disposed;

    public async Task InitializeMembershipTable(bool tryInitTableVersion)
    {
        if (tryInitTableVersion)
        {
            await _database.ExecuteAsync("insert into membership_version(cluster, version) values($1, 0) on conflict do nothing", _cluster);
        }
    }

    public async Task DeleteMembershipTableEntries(string clusterId)
    {
        await _database.ExecuteAsync("delete from membership where cluster=$1", clusterId);
        await _database.ExecuteAsync("delete from membership_version where cluster=$1", clusterId);
    }

    public Task CleanupDefunctSiloEntries(DateTimeOffset beforeDate) => _database.ExecuteAsync(
        "delete from membership where cluster=$1 and status<>$2 and greatest(alive, started)<$3", _cluster, (int)SiloStatus.Active, beforeDate.UtcTicks);

    public async Task<MembershipTableData> ReadRow(SiloAddress key) =>
        Data(await _database.ReadAsync(Rows + " and m.silo=$2 where v.cluster=$1", Row, _cluster, key.ToParsableString()));

    public async Task<MembershipTableData> ReadAll() => Data(await _database.ReadAsync(Rows + " where v.cluster=$1", Row, _cluster));

    public Task<bool> InsertRow(MembershipEntry entry, TableVersion tableVersion)
    {
        ArgumentNullException.ThrowIfNull(entry);
        return ChangeAsync(tableVersion, Insert, Values(entry, tableVersion));
    }

    public Task<bool> UpdateRow(MembershipEntry entry, string etag, TableVersion tableVersion)
    {
        ArgumentNullException.ThrowIfNull(entry);
        return int.TryParse(etag, NumberStyles.None, CultureInfo.InvariantCulture, out var held)
            ? ChangeAsync(tableVersion, Update, [.. Values(entry, tableVersion), (long)held])
            : Task.FromResult(false);
    }

    public Task UpdateIAmAlive(MembershipEntry entry) => _database.ExecuteAsync(
        "update membership set alive=$3 where cluster=$1 and silo=$2", _cluster, entry.SiloAddress.ToParsableString(), entry.IAmAliveTime.Ticks);

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            await _database.DisposeAsync();
        }
    }

    private async Task<bool> ChangeAsync(TableVersion next, string sql, object[] values)
    {
        if (!int.TryParse(next.VersionEtag, NumberStyles.None, CultureInfo.InvariantCulture, out var seen))
        {
            return false;
        }

        try
        {
            await using var connection = await _database.ConnectAsync();
            await using var transaction = await connection.BeginTransactionAsync();
            await using var swap = PostgresDatabase.Command(connection, Swap, _cluster, next.Version, seen);
            await using var change = PostgresDatabase.Command(connection, sql, values);
            if (await swap.ExecuteNonQueryAsync() != 1 || await change.ExecuteNonQueryAsync() != 1)
            {
                // What was done of it is undone with the transaction.
                return false;
            }

            await transaction.CommitAsync();
            return true;
        }
        catch (Exception e) when (PostgresErrors.Describe(e, _database.Name) is GristmillException described && described != e)
        {
            throw described;
        }
    }

    private object[] Values(MembershipEntry entry, TableVersion version) =>
    [
        _cluster,
        entry.SiloAddress.ToParsableString(),
        (int)entry.Status,
        SuspectList.Format(entry.SuspectTimes),
        entry.ProxyPort,
        entry.HostName ?? (object)DBNull.Value,
        entry.SiloName ?? (object)DBNull.Value,
        entry.RoleName ?? (object)DBNull.Value,
        entry.UpdateZone,
        entry.FaultZone,
        entry.StartTime.Ticks,
        entry.IAmAliveTime.Ticks,
        (long)version.Version,
    ];

    private static MembershipTableData Data(List<(int Version, Tuple<MembershipEntry, string>? Member)> rows)
    {
        var version = rows.Count > 0 ? rows[0].Version : 0;
        return new MembershipTableData(
            [.. rows.Select(static row => row.Member).OfType<Tuple<MembershipEntry, string>>()],
            new TableVersion(version, version.ToString(CultureInfo.InvariantCulture)));
    }

    private static (int Version, Tuple<MembershipEntry, string>? Member) Row(NpgsqlDataReader row) => (row.GetInt32(0), row.IsDBNull(1) ? null : Tuple.Create(
        new MembershipEntry
        {
            SiloAddress = SiloAddress.FromParsableString(row.GetString(1)),
            Status = (SiloStatus)row.GetInt32(2),
            SuspectTimes = SuspectList.Parse(row.GetString(3)),
            ProxyPort = row.GetInt32(4),
            HostName = row.IsDBNull(5) ? null! : row.GetString(5),
            SiloName = row.IsDBNull(6) ? null! : row.GetString(6),
            RoleName = row.IsDBNull(7) ? null! : row.GetString(7),
            UpdateZone = row.GetInt32(8),
            FaultZone = row.GetInt32(9),
            StartTime = new DateTime(row.GetInt64(10), DateTimeKind.Utc),
            IAmAliveTime = new DateTime(row.GetInt64(11), DateTimeKind.Utc),
        },
        row.GetInt64(12).ToString(CultureInfo.InvariantCulture)));
}
