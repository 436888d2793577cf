using System.Net;

namespace Gristmill.Storage.Conformance;

/// <summary>What every membership table must do; derive from it to hold a provider to it.</summary>
public abstract class MembershipTableConformance
{
    private static int s_port = 20_000;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>The table under test, empty and belonging to this test alone.</summary>
    protected abstract IMembershipTable Table { get; }

    /// <summary>A second instance over the same data and cluster, as another silo would have.</summary>
    protected abstract IMembershipTable OtherTable { get; }

    /// <summary>The cluster id both were made with.</summary>
    protected abstract string ClusterId { get; }

    [Fact]
    public async Task A_new_table_is_empty_and_initialising_it_again_changes_nothing()
    {
        await Table.InitializeMembershipTableAsync(true, Cancel);
        var before = await Table.ReadAllAsync(Cancel);
        await OtherTable.InitializeMembershipTableAsync(true, Cancel);
        var after = await Table.ReadAllAsync(Cancel);

        Assert.Empty(before.Members);
        Assert.Equal(before.Version, after.Version);
    }

    [Fact]
    public async Task An_inserted_silo_is_read_back_with_everything_it_carries()
    {
        var entry = NewEntry();
        entry.AddOrUpdateSuspector(NewAddress(), new DateTime(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc), 10);
        entry.AddOrUpdateSuspector(NewAddress(), new DateTime(2026, 1, 2, 3, 4, 6, DateTimeKind.Utc), 10);
        await Insert(entry);

        var (read, tag) = Assert.Single((await OtherTable.ReadRowAsync(entry.SiloAddress, Cancel)).Members);

        Assert.False(string.IsNullOrEmpty(tag));
        Assert.Equal(entry.SiloAddress, read.SiloAddress);
        Assert.Equal(entry.Status, read.Status);
        Assert.Equal(entry.HostName, read.HostName);
        Assert.Equal(entry.SiloName, read.SiloName);
        Assert.Equal(entry.ProxyPort, read.ProxyPort);
        Assert.Equal(entry.StartTime, read.StartTime);
        Assert.Equal(entry.IAmAliveTime, read.IAmAliveTime);
        Assert.Equal(entry.SuspectTimes, read.SuspectTimes);
    }

    [Fact]
    public async Task A_version_is_used_once()
    {
        await Table.InitializeMembershipTableAsync(true, Cancel);
        var seen = (await Table.ReadAllAsync(Cancel)).Version;

        Assert.True(await Table.InsertRowAsync(NewEntry(), seen.Next(), Cancel));
        Assert.False(await OtherTable.InsertRowAsync(NewEntry(), seen.Next(), Cancel));

        var now = await Table.ReadAllAsync(Cancel);
        Assert.Single(now.Members);
        Assert.Equal(seen.Version + 1, now.Version.Version);
    }

    [Fact]
    public async Task A_silo_is_inserted_once()
    {
        var entry = NewEntry();
        await Insert(entry);
        var before = (await Table.ReadAllAsync(Cancel)).Version;

        Assert.False(await Table.InsertRowAsync(entry, before.Next(), Cancel));

        Assert.Equal(before, (await Table.ReadAllAsync(Cancel)).Version);
    }

    [Fact]
    public async Task An_update_needs_the_rows_etag_and_the_tables_version()
    {
        var entry = NewEntry();
        await Insert(entry);
        var seen = await Table.ReadRowAsync(entry.SiloAddress, Cancel);
        var oldTag = seen.Members[0].Item2;
        entry.Status = SiloStatus.ShuttingDown;
        Assert.True(await Table.UpdateRowAsync(entry, oldTag, seen.Version.Next(), Cancel));

        var now = await OtherTable.ReadRowAsync(entry.SiloAddress, Cancel);
        Assert.Equal(SiloStatus.ShuttingDown, now.Members[0].Item1.Status);
        Assert.NotEqual(oldTag, now.Members[0].Item2);
        entry.Status = SiloStatus.Dead;
        Assert.False(await OtherTable.UpdateRowAsync(entry, oldTag, now.Version.Next(), Cancel));
        Assert.False(await OtherTable.UpdateRowAsync(entry, now.Members[0].Item2, seen.Version.Next(), Cancel));
        Assert.Equal(SiloStatus.ShuttingDown, (await Table.ReadRowAsync(entry.SiloAddress, Cancel)).Members[0].Item1.Status);
        Assert.Equal(now.Version, (await Table.ReadAllAsync(Cancel)).Version);
    }

    [Fact]
    public async Task A_silo_that_is_not_there_cannot_be_updated()
    {
        await Table.InitializeMembershipTableAsync(true, Cancel);
        var seen = await Table.ReadAllAsync(Cancel);

        Assert.False(await Table.UpdateRowAsync(NewEntry(), "1", seen.Version.Next(), Cancel));

        Assert.Equal(seen.Version, (await Table.ReadAllAsync(Cancel)).Version);
    }

    [Fact]
    public async Task Reading_an_unknown_silo_gives_the_version_alone()
    {
        await Insert(NewEntry());
        var read = await Table.ReadRowAsync(NewAddress(), Cancel);

        Assert.Empty(read.Members);
        Assert.Equal((await Table.ReadAllAsync(Cancel)).Version, read.Version);
    }

    [Fact]
    public async Task A_sign_of_life_changes_neither_version_nor_etag()
    {
        var entry = NewEntry();
        await Insert(entry);
        var before = await Table.ReadAllAsync(Cancel);
        entry.IAmAliveTime = entry.IAmAliveTime.AddMinutes(3);

        await OtherTable.UpdateIAmAliveAsync(entry, Cancel);

        var after = await Table.ReadAllAsync(Cancel);
        Assert.Equal(before.Version, after.Version);
        Assert.Equal(before.Members[0].Item2, after.Members[0].Item2);
        Assert.Equal(entry.IAmAliveTime, after.Members[0].Item1.IAmAliveTime);
    }

    [Fact]
    public async Task Racing_silos_all_get_in_once_each_retries()
    {
        await Table.InitializeMembershipTableAsync(true, Cancel);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(() => Insert(NewEntry(), i % 2 == 0 ? Table : OtherTable))));

        var all = await Table.ReadAllAsync(Cancel);
        Assert.Equal(8, all.Members.Count);
        Assert.Equal(8, all.Version.Version);
    }

    [Fact]
    public async Task Cleaning_up_removes_silos_long_dead_and_no_others()
    {
        var (oldDead, newDead, oldActive) = (NewEntry(), NewEntry(), NewEntry());
        var limit = new DateTimeOffset(2026, 6, 1, 0, 0, 0, TimeSpan.Zero);
        (oldDead.Status, newDead.Status, oldActive.Status) = (SiloStatus.Dead, SiloStatus.Dead, SiloStatus.Active);
        newDead.IAmAliveTime = limit.UtcDateTime.AddDays(1);
        await Insert(oldDead);
        await Insert(newDead);
        await Insert(oldActive);

        await Table.CleanupDefunctSiloEntriesAsync(limit, Cancel);

        Assert.Equal(
            new[] { newDead.SiloAddress, oldActive.SiloAddress }.Order(),
            (await Table.ReadAllAsync(Cancel)).Members.Select(static m => m.Item1.SiloAddress).Order());
    }

    [Fact]
    public async Task Deleting_a_cluster_leaves_nothing_of_it()
    {
        await Insert(NewEntry());
        await Table.DeleteMembershipTableEntriesAsync("another", Cancel);
        Assert.Single((await Table.ReadAllAsync(Cancel)).Members);

        await Table.DeleteMembershipTableEntriesAsync(ClusterId, Cancel);

        Assert.Empty((await Table.ReadAllAsync(Cancel)).Members);
    }

    private async Task Insert(MembershipEntry entry, IMembershipTable? table = null)
    {
        table ??= Table;
        await table.InitializeMembershipTableAsync(true, Cancel);
        while (!await table.InsertRowAsync(entry, (await table.ReadAllAsync(Cancel)).Version.Next(), Cancel))
        {
        }
    }

    private static SiloAddress NewAddress() =>
        SiloAddress.New(new IPEndPoint(IPAddress.Loopback, Interlocked.Increment(ref s_port)), 123_456);

    private static MembershipEntry NewEntry() => new()
    {
        SiloAddress = NewAddress(),
        Status = SiloStatus.Active,
        HostName = "host",
        SiloName = "silo",
        ProxyPort = 30_000,
        StartTime = new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc),
        IAmAliveTime = new DateTime(2026, 1, 1, 0, 0, 30, DateTimeKind.Utc),
    };
}
