using System.Globalization;
using Gristmill.Storage.Sqlite.Database;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace Gristmill.Storage.Sqlite;

/// <summary>
/// Cluster membership in SQLite. A change swaps the table's version and the silo's row in one transaction, and only if
/// both are as the caller last saw them.
/// </summary>
internal sealed class SqliteMembershipTable(IOptions<SqliteClusteringOptions> options, IOptions<ClusterOptions> cluster)
    : IMembershipTable, IDisposable
{
    private const string Columns = """
        select silo, status, suspects, proxy_port, host, silo_name, role_name, update_zone, fault_zone, started, alive, etag
        from membership where cluster=@p0
        """;
    private const string Insert = """
        insert into membership(cluster, silo, status, suspects, proxy_port, host, silo_name, role_name, update_zone, fault_zone, started, alive, etag)
        values(@p0, @p1, @p2, @p3, @p4, @p5, @p6, @p7, @p8, @p9, @p10, @p11, @p12)
        """;
    private const string Update = """
        update membership set status=@p2, suspects=@p3, proxy_port=@p4, host=@p5, silo_name=@p6, role_name=@p7,
            update_zone=@p8, fault_zone=@p9, started=@p10, alive=@p11, etag=@p12
        where cluster=@p0 and silo=@p1
        """;

    private readonly SqliteDatabaseLease _database = SqliteDatabase.Acquire(options.Value);
    private readonly string _cluster = cluster.Value.ClusterId;

    public async Task InitializeMembershipTable(bool tryInitTableVersion)
    {
        if (tryInitTableVersion)
        {
            await _database.WriteAsync(s => s.Execute(
                "insert into membership_version(cluster, version) values(@p0, 0) on conflict do nothing", _cluster));
        }
    }

    public Task DeleteMembershipTableEntries(string clusterId) => _database.WriteAsync(s =>
        s.Execute("delete from membership where cluster=@p0", clusterId)
        + s.Execute("delete from membership_version where cluster=@p0", clusterId));

    public Task CleanupDefunctSiloEntries(DateTimeOffset beforeDate) => _database.WriteAsync(s => s.Execute(
        "delete from membership where cluster=@p0 and status<>@p1 and max(alive, started)<@p2",
        _cluster,
        (long)SiloStatus.Active,
        beforeDate.UtcTicks));

    public Task<MembershipTableData> ReadRow(SiloAddress key) =>
        Task.FromResult(_database.Read(s => Snapshot(s, Columns + " and silo=@p1", _cluster, key.ToParsableString())));

    public Task<MembershipTableData> ReadAll() =>
        Task.FromResult(_database.Read(s => Snapshot(s, Columns, _cluster)));

    public Task<bool> InsertRow(MembershipEntry entry, TableVersion tableVersion)
    {
        ArgumentNullException.ThrowIfNull(entry);
        return _database.WriteAsync(s =>
            RowTag(s, entry) is null && SwapVersion(s, tableVersion) && s.Execute(Insert, Values(entry, tableVersion)) == 1);
    }

    public Task<bool> UpdateRow(MembershipEntry entry, string etag, TableVersion tableVersion)
    {
        ArgumentNullException.ThrowIfNull(entry);
        // The row is checked before the version is swapped: nothing has to be undone when it does not match.
        return _database.WriteAsync(s =>
            RowTag(s, entry) == etag && SwapVersion(s, tableVersion) && s.Execute(Update, Values(entry, tableVersion)) == 1);
    }

    public Task UpdateIAmAlive(MembershipEntry entry) => _database.WriteAsync(s => s.Execute(
        "update membership set alive=@p2 where cluster=@p0 and silo=@p1",
        _cluster,
        entry.SiloAddress.ToParsableString(),
        entry.IAmAliveTime.Ticks));

    public void Dispose() => _database.Dispose();

    private bool SwapVersion(SqliteSession session, TableVersion next) =>
        long.TryParse(next.VersionEtag, NumberStyles.None, CultureInfo.InvariantCulture, out var seen)
        && session.Execute(
            "update membership_version set version=@p1 where cluster=@p0 and version=@p2", _cluster, (long)next.Version, seen) == 1;

    private string? RowTag(SqliteSession session, MembershipEntry entry) => session.First(
        "select etag from membership where cluster=@p0 and silo=@p1",
        static r => Text(r.GetInt64(0)),
        _cluster,
        entry.SiloAddress.ToParsableString());

    /// <summary>Version and rows as of one moment: a read transaction sees one snapshot.</summary>
    private MembershipTableData Snapshot(SqliteSession session, string sql, params ReadOnlySpan<object?> arguments)
    {
        session.Execute("begin");
        try
        {
            var version = session.First("select version from membership_version where cluster=@p0", static r => r.GetInt64(0), _cluster);
            var rows = session.All(sql, Row, arguments);
            return new MembershipTableData(rows, new TableVersion((int)version, Text(version)));
        }
        finally
        {
            session.Execute("commit");
        }
    }

    private object?[] Values(MembershipEntry entry, TableVersion version) =>
    [
        _cluster,
        entry.SiloAddress.ToParsableString(),
        (long)entry.Status,
        SuspectList.Format(entry.SuspectTimes),
        (long)entry.ProxyPort,
        entry.HostName,
        entry.SiloName,
        entry.RoleName,
        (long)entry.UpdateZone,
        (long)entry.FaultZone,
        entry.StartTime.Ticks,
        entry.IAmAliveTime.Ticks,
        (long)version.Version,
    ];

    private static Tuple<MembershipEntry, string> Row(SqliteDataReader row) => Tuple.Create(
        new MembershipEntry
        {
            SiloAddress = SiloAddress.FromParsableString(row.GetString(0)),
            Status = (SiloStatus)row.GetInt64(1),
            SuspectTimes = SuspectList.Parse(row.GetString(2)),
            ProxyPort = (int)row.GetInt64(3),
            HostName = row.IsDBNull(4) ? null! : row.GetString(4),
            SiloName = row.IsDBNull(5) ? null! : row.GetString(5),
            RoleName = row.IsDBNull(6) ? null! : row.GetString(6),
            UpdateZone = (int)row.GetInt64(7),
            FaultZone = (int)row.GetInt64(8),
            StartTime = new DateTime(row.GetInt64(9), DateTimeKind.Utc),
            IAmAliveTime = new DateTime(row.GetInt64(10), DateTimeKind.Utc),
        },
        Text(row.GetInt64(11)));

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}
