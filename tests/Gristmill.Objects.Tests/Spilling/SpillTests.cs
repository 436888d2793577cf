using Gristmill.Objects.Slabs;

namespace Gristmill.Objects.Spilling;

/// <summary>Objects for which memory has no room.</summary>
public sealed class SpillTests : IDisposable
{
    private const int Rows = 100_000; // 0.8 MB
    private readonly string _disk = Path.Combine(Path.GetTempPath(), "gristmill-spill-" + Guid.NewGuid().ToString("n"));
    private readonly TestStore _test = new();

    public void Dispose()
    {
        _test.Dispose();
        if (Directory.Exists(_disk))
        {
            Directory.Delete(_disk, recursive: true);
        }
    }

    [Fact]
    public void Ten_times_what_memory_holds_goes_through_and_comes_back()
    {
        using var store = Open(capacity: 4 << 20);
        ObjectRef[] written = [.. Enumerable.Range(0, 50).Select(i => SlabTests.Write(store, i, Rows))];
        Assert.InRange(InMemory(), 1, 4 << 20);
        var listing = store.Scan();
        Assert.Empty(listing.Skipped);
        Assert.Equal(written.Select(reference => reference.Id).Order(StringComparer.Ordinal), listing.Objects.Select(item => item.Id).Order(StringComparer.Ordinal));
        Assert.InRange(listing.Objects.Count(item => item.IsSpilled), 45, 49);
        Assert.Equal(written.ToHashSet(), store.List().ToHashSet());

        using var other = Open(capacity: 4 << 20);
        foreach (var (i, reference) in written.Index())
        {
            using var lease = (i % 2 == 0 ? store : other).Get(reference);
            Assert.Equal(i, ((Apache.Arrow.Int64Array)lease.Batches[0].Column(0)).GetValue(0));
            lease.Verify();
        }

        Assert.InRange(InMemory(), 1, 4 << 20);
    }

    [Fact]
    public void What_was_read_longest_ago_goes_first_and_what_is_mapped_stays()
    {
        using var store = Open(capacity: 4 << 20);
        ObjectRef[] written = [.. Enumerable.Range(0, 4).Select(i => SlabTests.Write(store, i, Rows))];
        var held = store.Get(written[0]);
        Thread.Sleep(20); // access times have the resolution of the kernel's clock
        store.Get(written[1]).Dispose();
        for (int i = 0; i < 2; i++)
        {
            SlabTests.Write(store, i, Rows);
        }

        Assert.False(store.Find(written[0].Id)!.IsSpilled);
        Assert.False(store.Find(written[1].Id)!.IsSpilled);
        Assert.True(store.Find(written[2].Id)!.IsSpilled);
        held.Verify();
        held.Dispose();
    }

    [Fact]
    public void It_comes_back_into_memory_when_there_is_room()
    {
        using var store = Open(capacity: 4 << 20);
        ObjectRef[] written = [.. Enumerable.Range(0, 8).Select(i => SlabTests.Write(store, i, Rows))];
        var before = store.Find(written[0].Id)!;
        Assert.True(before.IsSpilled);
        Assert.True(store.Contains(written[0].Id));
        foreach (var reference in written[1..])
        {
            Assert.True(store.Delete(reference.Id));
        }

        using var lease = store.Get(written[0]);
        lease.Verify();
        var after = store.Find(written[0].Id)!;
        Assert.False(after.IsSpilled);
        Assert.Equal(before.Modified, after.Modified, TimeSpan.FromMilliseconds(1));
        Assert.Empty(Spilled());
        Assert.Equal([written[0].Id + ".arrow"], _test.Files());
    }

    [Fact]
    public void A_damaged_one_is_an_error_that_names_it_and_the_others_are_read()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Modes of files are Unix's.");
        using var store = Open(capacity: 4 << 20);
        ObjectRef[] written = [.. Enumerable.Range(0, 8).Select(i => SlabTests.Write(store, i, Rows))];
        string file = Path.Combine(_disk, written[0].Id + ".arrow");
        Run("chmod", "600", file);
        using (var stream = File.OpenWrite(file))
        {
            stream.Position = stream.Length / 2;
            stream.WriteByte(99);
        }

        foreach (bool room in new[] { false, true })
        {
            if (room)
            {
                System.Array.ForEach(written[2..], reference => store.Delete(reference.Id));
            }

            var error = Assert.Throws<GristmillException>(() => store.Get(written[0]));
            Assert.Equal((ErrorCodes.Corrupt, written[0].Id), (error.Code, error.Error.Details!["object"]));
            store.Get(written[1]).Dispose();
        }
    }

    [Fact]
    public void Small_objects_go_with_their_slab_and_come_back_with_it()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Small objects have segments of their own on other systems.");
        using var store = Open(capacity: 4 << 20, small: 64 << 10);
        ObjectRef[] written = [.. Enumerable.Range(0, 2_000).Select(i => SlabTests.Write(store, i, 1_000))]; // 16 MB and more
        Assert.InRange(InMemory(), 1, 4 << 20);
        Assert.NotEmpty(Spilled());
        Assert.Equal(written.Length, store.Scan().Objects.Count);
        var gone = store.Scan().Objects.First(item => item.IsSpilled);
        Assert.True(store.Delete(gone.Id));
        Assert.False(store.Delete(gone.Id));
        foreach (var reference in written.Where(reference => reference.Id != gone.Id))
        {
            using var lease = store.Get(reference);
            lease.Verify();
        }

        Assert.False(store.Contains(gone.Id));
        System.Array.ForEach(written, reference => store.Delete(reference.Id));
        store.Sweep();
        Assert.Empty(Spilled());
    }

    [Fact]
    public void Spilled_ones_are_deleted_pinned_and_removed_as_others()
    {
        using var store = Open(capacity: 4 << 20);
        ObjectRef[] written = [.. Enumerable.Range(0, 8).Select(i => SlabTests.Write(store, i, Rows))];
        Assert.True(store.Find(written[0].Id)!.IsSpilled && store.Find(written[1].Id)!.IsSpilled);
        Assert.True(store.Delete(written[0].Id));
        Assert.False(store.Delete(written[0].Id));
        Assert.Equal(ErrorCodes.ObjectNotFound, Assert.Throws<GristmillException>(() => store.Get(written[0])).Code);
        store.Pin(written[1].Id);
        Assert.False(store.RemoveUnlessHeld(store.Find(written[1].Id)!));
        store.Unpin(written[1].Id);
        Assert.True(store.RemoveUnlessHeld(store.Find(written[1].Id)!));
        Assert.False(store.Contains(written[1].Id));
    }

    [Fact]
    public void A_full_disk_is_told_and_nothing_is_lost()
    {
        string tiny = Path.Combine(Path.GetTempPath(), "gristmill-tiny-" + Guid.NewGuid().ToString("n"));
        Directory.CreateDirectory(tiny);
        try
        {
            Assert.SkipUnless(OperatingSystem.IsLinux() && Run("mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", tiny) == 0, "a tmpfs cannot be mounted by this user");
            try
            {
                using var store = ObjectStore.Open(new ObjectStoreOptions { Directory = _test.Directory, CapacityBytes = 4 << 20, SpillDirectory = Path.Combine(tiny, "spill"), SmallObjectBytes = 0 });
                using var owning = ObjectOwner.Use("run-7/train");
                var written = new List<ObjectRef>();
                var error = Fill(store, written);
                Assert.Contains("of run-7/train", error.Message, StringComparison.Ordinal);
                Assert.Contains("cannot be written", error.Message, StringComparison.Ordinal);
                Assert.InRange(written.Count, 6, 9);
                foreach (var reference in written)
                {
                    using var lease = store.Get(reference);
                    lease.Verify();
                }

                Assert.DoesNotContain(Directory.GetFiles(Path.Combine(tiny, "spill")), file => file.EndsWith(".partial", StringComparison.Ordinal));
                Assert.True(store.Delete(written[^1].Id));
                SlabTests.Write(store, 1, Rows);
            }
            finally
            {
                Run("umount", tiny);
            }
        }
        finally
        {
            Directory.Delete(tiny, recursive: true);
        }
    }

    [Fact]
    public void The_disk_has_a_budget_too()
    {
        using var store = ObjectStore.Open(Options(4 << 20, 0) with { SpillCapacityBytes = 3 << 20 });
        var written = new List<ObjectRef>();
        var error = Fill(store, written);
        Assert.Contains("holds all it may", error.Message, StringComparison.Ordinal);
        Assert.InRange(Spilled().Sum(file => new FileInfo(file).Length), 2 << 20, 3 << 20);
        Assert.Equal(written.ToHashSet(), store.List().ToHashSet());
    }

    [Fact]
    public async Task A_writer_waits_for_a_reader_to_leave()
    {
        using var store = ObjectStore.Open(Options(2 << 20, 0) with { PutTimeout = TimeSpan.FromSeconds(30) });
        var lease = store.Get(SlabTests.Write(store, 1, Rows));
        var second = store.Get(SlabTests.Write(store, 2, Rows));
        var writing = Task.Run(() => SlabTests.Write(store, 3, Rows), TestContext.Current.CancellationToken);
        await Task.Delay(200, TestContext.Current.CancellationToken);
        Assert.False(writing.IsCompleted);
        lease.Dispose();
        Assert.Equal(Rows, (await writing).Rows);
        second.Dispose();
    }

    [Fact]
    public void What_a_dead_process_left_half_done_is_swept()
    {
        using var store = Open(capacity: 4 << 20);
        ObjectRef[] written = [.. Enumerable.Range(0, 8).Select(i => SlabTests.Write(store, i, Rows))];
        var kept = written.First(reference => !store.Find(reference.Id)!.IsSpilled);
        File.Copy(Path.Combine(_test.Directory, kept.Id + ".arrow"), Path.Combine(_disk, kept.Id + ".arrow")); // died between naming it there and removing it here
        File.WriteAllText(Path.Combine(_disk, "x.arrow.partial"), "");
        int before = store.Scan().Objects.Count;
        store.Sweep();
        Assert.Equal(before, store.Scan().Objects.Count);
        Assert.False(File.Exists(Path.Combine(_disk, kept.Id + ".arrow")));
        Assert.False(File.Exists(Path.Combine(_disk, "x.arrow.partial")));
        Assert.False(store.Find(kept.Id)!.IsSpilled);
    }

    [Fact]
    public void Readers_writers_and_deleters_at_once_lose_nothing()
    {
        using var store = Open(capacity: 6 << 20, small: OperatingSystem.IsLinux() ? 64 << 10 : 0);
        using var other = Open(capacity: 6 << 20, small: OperatingSystem.IsLinux() ? 64 << 10 : 0);
        var alive = new System.Collections.Concurrent.ConcurrentDictionary<string, int>();
        Parallel.For(0, 4, new ParallelOptions { MaxDegreeOfParallelism = 4 }, worker =>
        {
            var random = new Random(worker);
            var (mine, stores) = (new List<(ObjectRef Reference, int First)>(), new[] { store, other });
            for (int i = 0; i < 120; i++)
            {
                int first = random.Next(1 << 20);
                mine.Add((SlabTests.Write(stores[random.Next(2)], first, random.Next(3) == 0 ? 100_000 : 1_000), first));
                var (reference, expected) = mine[random.Next(mine.Count)];
                using (var lease = stores[random.Next(2)].Get(reference))
                {
                    lease.Verify();
                    Assert.Equal(expected, ((Apache.Arrow.Int64Array)lease.Batches[0].Column(0)).GetValue(0));
                }

                if (random.Next(3) == 0)
                {
                    int at = random.Next(mine.Count);
                    Assert.True(stores[random.Next(2)].Delete(mine[at].Reference.Id));
                    mine.RemoveAt(at);
                }
            }

            mine.ForEach(item => alive.TryAdd(item.Reference.Id, item.First));
        });
        var left = store.Scan().Objects.Select(item => item.Id).ToList();
        Assert.Empty(alive.Keys.Except(left)); // lost
        Assert.Empty(left.Except(alive.Keys)); // come back though deleted
    }

    private ObjectStore Open(long capacity, int small = 0) => ObjectStore.Open(Options(capacity, small));

    private ObjectStoreOptions Options(long capacity, int small) =>
        new() { Directory = _test.Directory, CapacityBytes = capacity, SpillDirectory = _disk, SmallObjectBytes = small, Host = "here", PutTimeout = TimeSpan.FromSeconds(small > 0 ? 10 : 0) };

    private static GristmillException Fill(ObjectStore store, List<ObjectRef> written)
    {
        while (true)
        {
            try
            {
                written.Add(SlabTests.Write(store, written.Count, Rows));
            }
            catch (GristmillException e) when (e.Code == ErrorCodes.StoreFull)
            {
                return e;
            }
        }
    }

    private long InMemory() => new DirectoryInfo(_test.Directory).EnumerateFiles().Sum(file => file.Length);

    private List<string> Spilled() => [.. Directory.EnumerateFiles(_disk).Where(file => !file.EndsWith(".lock", StringComparison.Ordinal))];

    private static int Run(string program, params string[] arguments)
    {
        using var process = System.Diagnostics.Process.Start(program, arguments);
        process.WaitForExit();
        return process.ExitCode;
    }
}
