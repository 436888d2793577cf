using System.Diagnostics;

namespace Gristmill.Objects;

/// <summary>What lies in a folder, and which processes hold it. Alone: a list of locks that is read while others come and go may lack some.</summary>
[Collection(nameof(Alone))]
public sealed class StoreListingTests
{
    private const string SomeId = "0123456789abcdef0123456789abcdef";

    [Fact]
    public void Sealed_and_growing_objects_are_listed()
    {
        using var test = new TestStore();
        var reference = ObjectStoreTests.Write(test.Store, 100, 2);
        using var writer = test.Store.Create(new Apache.Arrow.Schema([], null));
        var listing = test.Store.Scan();
        Assert.Empty(listing.Skipped);
        var whole = Assert.Single(listing.Objects, item => item.IsSealed);
        var growing = Assert.Single(listing.Objects, item => !item.IsSealed);
        Assert.Equal((reference.Id, reference.Bytes), (whole.Id, whole.Bytes));
        Assert.InRange(whole.Modified, DateTimeOffset.UtcNow.AddMinutes(-1), DateTimeOffset.UtcNow.AddMinutes(1));
        var said = test.Store.Describe(whole);
        Assert.Equal((reference, 2, 2, null), (said.Ref, said.Batches, said.Schema!.FieldsList.Count, said.Problem));
        Assert.Equal((null, null, null), (test.Store.Describe(growing).Ref, test.Store.Describe(growing).Schema, test.Store.Describe(growing).Problem));
        Assert.Null(test.Store.Find(growing.Id));
        Assert.Null(test.Store.Find("../x"));
    }

    [Fact]
    public void Hostile_and_half_written_files_are_told_with_a_reason()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Pipes and links are Linux's.");
        using var test = new TestStore();
        var reference = ObjectStoreTests.Write(test.Store, 100, 1);
        string File(string name) => Path.Combine(test.Directory, name);
        var bytes = System.IO.File.ReadAllBytes(File(reference.Id + ".arrow"));
        string[] damaged = [.. Enumerable.Range(0, 4).Select(i => i + SomeId[1..])];
        System.IO.File.WriteAllBytes(File(damaged[0] + ".arrow"), bytes[..^1]);
        System.IO.File.WriteAllBytes(File(damaged[1] + ".arrow"), []);
        byte[] endless = [.. bytes];
        BitConverter.TryWriteBytes(endless.AsSpan(endless.Length - 10), int.MaxValue);
        System.IO.File.WriteAllBytes(File(damaged[2] + ".arrow"), endless);
        byte[] torn = [.. bytes];
        torn.AsSpan(torn.Length - 10 - 64, 64).Fill(0xff);
        torn.AsSpan(torn.Length - 10 - BitConverter.ToInt32(torn, torn.Length - 10), 8).Fill(0xff);
        System.IO.File.WriteAllBytes(File(damaged[3] + ".arrow"), torn);
        using (var pipe = Process.Start("mkfifo", [File("4" + SomeId[1..] + ".arrow"), File("5" + SomeId[1..] + ".1.building")]))
        {
            pipe.WaitForExit();
        }

        System.IO.File.CreateSymbolicLink(File("6" + SomeId[1..] + ".arrow"), "/etc/passwd");
        Directory.CreateDirectory(File("7" + SomeId[1..] + ".arrow"));
        System.IO.File.WriteAllText(File("notes.txt"), "");
        System.IO.File.WriteAllText(File("..arrow"), "");

        var listing = test.Store.Scan();
        Assert.Equal([.. damaged, reference.Id], listing.Objects.Select(item => item.Id).Order(StringComparer.Ordinal).OrderBy(id => id == reference.Id));
        Assert.All(listing.Objects.Where(item => item.Id != reference.Id), item => Assert.NotEmpty(test.Store.Describe(item).Problem!));
        Assert.Equal(6, listing.Skipped.Count);
        Assert.Equal(2, listing.Skipped.Count(file => file.Reason.Contains("name", StringComparison.Ordinal)));
        Assert.Equal([reference], test.Store.List());
        Assert.Throws<GristmillException>(() => test.Store.Get("4" + SomeId[1..]));
    }

    [Fact]
    public void A_pin_keeps_an_object_until_it_is_taken_back()
    {
        using var test = new TestStore();
        var reference = ObjectStoreTests.Write(test.Store, 100, 1);
        var before = test.Store.Find(reference.Id)!;
        Assert.False(before.IsPinned);
        test.Store.Pin(reference.Id);
        test.Store.Pin(reference.Id);
        Assert.Equal(0, test.Store.LiveLeases);

        // As one that scanned before the pin sees it, too; and another process of this folder.
        Assert.False(test.Store.RemoveUnlessHeld(before));
        using var other = ObjectStore.Open(new ObjectStoreOptions { Directory = test.Directory });
        Assert.True(Assert.Single(other.Scan().Objects).IsPinned);
        Assert.Empty(other.Scan().Skipped);
        Assert.False(other.RemoveUnlessHeld(other.Find(reference.Id)!));
        Assert.Equal(0, other.Sweep());
        Assert.True(other.Find(reference.Id)!.IsPinned);

        Assert.True(other.Unpin(reference.Id));
        Assert.False(test.Store.Unpin(reference.Id));
        Assert.True(test.Store.RemoveUnlessHeld(test.Store.Find(reference.Id)!));
        foreach (var nobody in new[] { reference.Id, SomeId, "../x", "" })
        {
            Assert.Equal(ErrorCodes.ObjectNotFound, Assert.Throws<GristmillException>(() => test.Store.Pin(nobody)).Code);
            Assert.Equal(ErrorCodes.ObjectNotFound, Assert.Throws<GristmillException>(() => test.Store.Unpin(nobody)).Code);
        }

        Assert.Empty(Directory.GetFiles(test.Directory));
    }

    [Fact]
    public void A_pin_goes_with_its_object()
    {
        using var test = new TestStore();
        var (deleted, lost) = (ObjectStoreTests.Write(test.Store, 100, 1), ObjectStoreTests.Write(test.Store, 100, 1));
        test.Store.Pin(deleted.Id);
        test.Store.Pin(lost.Id);
        Assert.True(test.Store.Delete(deleted.Id));
        File.Delete(Path.Combine(test.Directory, lost.Id + ".arrow"));
        File.WriteAllText(Path.Combine(test.Directory, "mine.pin"), "");
        Assert.Equal("mine.pin", Assert.Single(test.Store.Scan().Skipped).Name);
        test.Store.Sweep();
        Assert.Equal("mine.pin", Path.GetFileName(Assert.Single(Directory.GetFiles(test.Directory))));
    }

    [Fact]
    public async Task Of_pinning_and_removing_at_once_one_wins()
    {
        using var test = new TestStore();
        for (int i = 0; i < 200; i++)
        {
            string id = ObjectStoreTests.Write(test.Store, 10, 1).Id;
            var item = test.Store.Find(id)!;
            using var start = new Barrier(2);
            var removing = Task.Run(() =>
            {
                start.SignalAndWait();
                return test.Store.RemoveUnlessHeld(item);
            });
            start.SignalAndWait();
            bool pinned = true;
            try
            {
                test.Store.Pin(id);
            }
            catch (GristmillException e) when (e.Code == ErrorCodes.ObjectNotFound)
            {
                pinned = false;
            }

            // A removal that found it mapped is none; so not pinned says removed, and pinned says there.
            bool removed = await removing;
            Assert.Equal((pinned, !pinned), (test.Store.Contains(id), removed));
        }
    }

    [Fact]
    public void A_mapping_holds_an_object_and_is_known_by_its_process()
    {
        using var test = new TestStore();
        var reference = ObjectStoreTests.Write(test.Store, 100, 1);
        var first = test.Store.Get(reference);
        var second = first.Share();
        first.Dispose();
        Assert.Equal([Environment.ProcessId], test.Store.Find(reference.Id)!.Processes);
        Assert.True(test.Store.IsHeld(test.Store.Find(reference.Id)!));
        Assert.False(test.Store.RemoveUnlessHeld(test.Store.Find(reference.Id)!));
        Assert.True(test.Store.Contains(reference.Id));
        second.Dispose();
        var free = test.Store.Find(reference.Id)!;
        Assert.Empty(free.Processes);
        Assert.False(test.Store.IsHeld(free));
        Assert.True(test.Store.RemoveUnlessHeld(free));
        Assert.False(test.Store.RemoveUnlessHeld(free));
        Assert.Empty(test.Files());
    }

    [Fact]
    public void A_killed_process_holds_nothing()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Other systems do not tell who holds a file.");
        using var test = new TestStore();
        var reference = ObjectStoreTests.Write(test.Store, 100, 1);
        using var reader = ChildProcess.StartReader(test.Directory, reference.Id);
        using var writer = ChildProcess.StartWriter(test.Directory);
        try
        {
            var listing = ScanHeld(test.Store);
            Assert.Equal([reader.Id], listing.Single(item => item.IsSealed).Processes);
            Assert.Equal([writer.Id], listing.Single(item => !item.IsSealed).Processes);
            Assert.All(listing, item => Assert.False(test.Store.RemoveUnlessHeld(item)));
        }
        finally
        {
            reader.Kill();
            writer.Kill();
            reader.WaitForExit();
            writer.WaitForExit();
        }

        var left = test.Store.Scan().Objects;
        Assert.All(left, item => Assert.Empty(item.Processes));
        Assert.All(left, item => Assert.True(test.Store.RemoveUnlessHeld(item)));
        Assert.Empty(test.Files());
    }

    [Fact]
    public void Many_mappings_need_no_descriptors()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Descriptors are counted in /proc.");
        using var test = new TestStore();
        var references = Enumerable.Range(0, 300).Select(_ => ObjectStoreTests.Write(test.Store, 1, 1)).ToList();
        int written = Descriptors(test.Directory); // of writers, which keep a few for a while
        var leases = references.ConvertAll(test.Store.Get);
        int mapped = Descriptors(test.Directory);
        var objects = test.Store.Scan().Objects;
        leases.ForEach(lease => lease.Dispose());
        Assert.InRange(mapped, 0, written);
        Assert.All(objects, item => Assert.Equal([Environment.ProcessId], item.Processes));
    }

    /// <summary>Descriptors of this process that are of files in a folder.</summary>
    private static int Descriptors(string directory) => Directory.GetFiles("/proc/self/fd")
        .Count(path => new FileInfo(path).LinkTarget?.StartsWith(directory, StringComparison.Ordinal) == true);

    /// <summary>What is listed once the kernel's lock table, which passes over some locks while others come and go, has told of a process for each.</summary>
    private static IReadOnlyList<StoredObject> ScanHeld(ObjectStore store)
    {
        var end = Stopwatch.GetTimestamp() + (10 * Stopwatch.Frequency);
        IReadOnlyList<StoredObject> objects;
        do
        {
            objects = store.Scan().Objects;
        }
        while (objects.Any(static item => item.Processes.Count == 0) && Stopwatch.GetTimestamp() < end);
        return objects;
    }
}
