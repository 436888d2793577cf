namespace Gristmill.Storage.Conformance;

/// <summary>What every reminder table must do; derive from it to hold a provider to it.</summary>
public abstract class ReminderTableConformance
{
    /// <summary>The table under test, empty and belonging to this test alone.</summary>
    protected abstract IReminderTable Table { get; }

    [Fact]
    public async Task A_reminder_is_read_back_as_it_was_written()
    {
        var entry = NewEntry("r1");
        var tag = await Table.UpsertRow(entry);

        var read = await Table.ReadRow(entry.GrainId, "r1");

        Assert.NotNull(read);
        Assert.False(string.IsNullOrEmpty(tag));
        Assert.Equal(tag, read.ETag);
        Assert.Equal(entry.GrainId, read.GrainId);
        Assert.Equal("r1", read.ReminderName);
        Assert.Equal(entry.StartAt, read.StartAt);
        Assert.Equal(DateTimeKind.Utc, read.StartAt.Kind);
        Assert.Equal(entry.Period, read.Period);
    }

    [Fact]
    public async Task A_reminder_that_does_not_exist_reads_as_null()
    {
        Assert.Null(await Table.ReadRow(NewGrain(), "none"));
        Assert.Empty((await Table.ReadRows(NewGrain())).Reminders);
    }

    [Fact]
    public async Task Writing_again_replaces_it_and_changes_the_etag()
    {
        var entry = NewEntry("r1");
        var first = await Table.UpsertRow(entry);
        entry.Period = TimeSpan.FromHours(5);
        var second = await Table.UpsertRow(entry);

        Assert.NotEqual(first, second);
        var read = Assert.Single((await Table.ReadRows(entry.GrainId)).Reminders);
        Assert.Equal(TimeSpan.FromHours(5), read.Period);
        Assert.Equal(second, read.ETag);
    }

    [Fact]
    public async Task It_is_removed_only_with_its_current_etag()
    {
        var entry = NewEntry("r1");
        var first = await Table.UpsertRow(entry);
        var second = await Table.UpsertRow(entry);

        Assert.False(await Table.RemoveRow(entry.GrainId, "r1", first!));
        Assert.False(await Table.RemoveRow(entry.GrainId, "other", second!));
        Assert.NotNull(await Table.ReadRow(entry.GrainId, "r1"));
        Assert.True(await Table.RemoveRow(entry.GrainId, "r1", second!));
        Assert.Null(await Table.ReadRow(entry.GrainId, "r1"));
        Assert.False(await Table.RemoveRow(entry.GrainId, "r1", second!));
    }

    [Fact]
    public async Task Rows_of_a_grain_are_its_own()
    {
        var mine = NewEntry("a");
        await Table.UpsertRow(mine);
        await Table.UpsertRow(new ReminderEntry { GrainId = mine.GrainId, ReminderName = "b", StartAt = mine.StartAt, Period = mine.Period });
        await Table.UpsertRow(NewEntry("a"));

        var rows = (await Table.ReadRows(mine.GrainId)).Reminders;

        Assert.Equal(["a", "b"], rows.Select(static r => r.ReminderName).Order());
        Assert.All(rows, r => Assert.Equal(mine.GrainId, r.GrainId));
    }

    [Fact]
    public async Task A_range_holds_begin_exclusive_to_end_inclusive_and_wraps()
    {
        var entries = Enumerable.Range(0, 20).Select(_ => NewEntry("r")).ToList();
        foreach (var entry in entries)
        {
            await Table.UpsertRow(entry);
        }

        var hashes = entries.Select(static e => e.GrainId.GetUniformHashCode()).Order().ToArray();
        var (low, high) = (hashes[4], hashes[14]);

        Assert.Equal(hashes[5..15], await Hashes(low, high));
        Assert.Equal([.. hashes[..5], .. hashes[15..]], await Hashes(high, low));
        Assert.Equal(hashes, await Hashes(low, low));
        Assert.Equal(hashes, await Hashes(0, uint.MaxValue));
        Assert.Equal(hashes, await Hashes(0, 0));
    }

    [Fact]
    public async Task Concurrent_writes_all_arrive()
    {
        var grain = NewGrain();
        await Task.WhenAll(Enumerable.Range(0, 50).Select(i => Table.UpsertRow(new ReminderEntry
        {
            GrainId = grain,
            ReminderName = $"r{i}",
            StartAt = DateTime.UnixEpoch,
            Period = TimeSpan.FromMinutes(1),
        })));

        Assert.Equal(50, (await Table.ReadRows(grain)).Reminders.Count);
    }

    [Fact]
    public async Task Clearing_leaves_nothing()
    {
        await Table.UpsertRow(NewEntry("r"));
        await Table.TestOnlyClearTable();

        Assert.Empty((await Table.ReadRows(0, 0)).Reminders);
    }

    private async Task<IEnumerable<uint>> Hashes(uint begin, uint end) =>
        (await Table.ReadRows(begin, end)).Reminders.Select(static r => r.GrainId.GetUniformHashCode()).Order();

    private static GrainId NewGrain() => GrainId.Create("conformance", Guid.NewGuid().ToString("N"));

    private static ReminderEntry NewEntry(string name) => new()
    {
        GrainId = NewGrain(),
        ReminderName = name,
        StartAt = new DateTime(2026, 3, 4, 5, 6, 7, 123, DateTimeKind.Utc),
        Period = TimeSpan.FromSeconds(90),
    };
}
