using System.Runtime.InteropServices;
using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Objects.Slabs;

/// <summary>Small objects, which share segments.</summary>
public sealed class SlabTests
{
    private const int Small = 64 << 10;
    private static readonly Schema Schema = new([new Field("x", Int64Type.Default, false)], null);

    public SlabTests() => Assert.SkipUnless(OperatingSystem.IsLinux(), "Small objects have segments of their own on other systems.");

    [Fact]
    public void Small_objects_share_a_file_and_are_read_as_any_other()
    {
        using var test = new TestStore(smallObjectBytes: Small);
        ObjectRef[] written = [.. Enumerable.Range(0, 50).Select(i => Write(test.Store, i, 10))];
        Assert.Equal(50, written.Select(reference => reference.Id).Distinct().Count());
        Assert.EndsWith(".slab", Assert.Single(test.Files()));
        using var other = test.Open();
        foreach (var (i, reference) in written.Index())
        {
            using var lease = other.Get(reference);
            Assert.Equal(reference, lease.Ref);
            Assert.Equal(Enumerable.Range(i, 10).Select(value => (long)value), ((Int64Array)lease.Batches[0].Column(0)).Values.ToArray());
            lease.Verify();
            unsafe
            {
                fixed (byte* start = lease.Batches[0].Column(0).Data.Buffers[1].Span)
                {
                    Assert.Equal(0, (nint)start % 64);
                }
            }
        }

        Assert.Equal(written.ToHashSet(), other.List().ToHashSet());
        var found = other.Find(written[7].Id)!;
        Assert.Equal((written[7].Id, written[7].Bytes, true, true), (found.Id, found.Bytes, found.IsSealed, found.IsShared));
        Assert.InRange(found.Modified, DateTimeOffset.UtcNow.AddMinutes(-1), DateTimeOffset.UtcNow.AddMinutes(1));
        Assert.Equal(written[7], other.Describe(found).Ref);
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(6_000, true)]
    [InlineData(8_192, false)]
    [InlineData(300_000, false)]
    public void One_that_outgrows_it_has_a_segment_of_its_own(int rows, bool shared)
    {
        using var test = new TestStore(smallObjectBytes: Small);
        var reference = Write(test.Store, 3, rows);
        Assert.Equal(shared, test.Store.Find(reference.Id)!.IsShared);
        Assert.EndsWith(shared ? ".slab" : ".arrow", Assert.Single(test.Files()));
        using var lease = test.Store.Get(reference);
        lease.Verify();
        Assert.Equal(rows, reference.Rows);
        Assert.Equal(Enumerable.Range(3, rows).Select(value => (long)value), ((Int64Array)lease.Batches[0].Column(0)).Values.ToArray());
    }

    [Fact]
    public void Buffers_of_a_batch_that_outgrows_it_keep_what_is_written_before_and_after()
    {
        using var test = new TestStore(smallObjectBytes: Small);
        using var writer = test.Store.Create(new Schema([new Field("a", Int64Type.Default, false), new Field("b", Int64Type.Default, false)], null));
        const int rows = 5_000;
        long[] all = [.. Enumerable.Range(0, rows).Select(value => (long)value)];
        for (int batch = 0; batch < 3; batch++)
        {
            writer.BeginBatch();
            var first = writer.Allocate(8 * rows);
            var second = writer.Allocate(8 * rows); // the first batch does not fit from here on
            all.CopyTo(MemoryMarshal.Cast<byte, long>(first.Span));
            all.CopyTo(MemoryMarshal.Cast<byte, long>(second.Span));
            writer.EndBatch(rows, [new Int64Array(new ArrowBuffer(first), ArrowBuffer.Empty, rows, 0, 0), new Int64Array(new ArrowBuffer(second), ArrowBuffer.Empty, rows, 0, 0)]);
        }

        using var lease = test.Store.Get(writer.Seal());
        lease.Verify();
        Assert.Equal(3, lease.Batches.Count);
        Assert.All(lease.Batches.SelectMany(batch => batch.Arrays), column => Assert.Equal(all, ((Int64Array)column).Values.ToArray()));
    }

    [Fact]
    public void Of_those_who_delete_one_does_and_readers_read_on()
    {
        using var test = new TestStore(smallObjectBytes: Small);
        using var other = test.Open();
        var (first, second) = (Write(test.Store, 1, 10), Write(test.Store, 2, 10));
        using (var lease = other.Get(first))
        {
            int deleted = 0;
            Parallel.For(0, 8, i => Interlocked.Add(ref deleted, (i % 2 == 0 ? test.Store : other).Delete(first.Id) ? 1 : 0));
            Assert.Equal(1, deleted);
            Assert.Equal(1, ((Int64Array)lease.Batches[0].Column(0)).GetValue(0));
        }

        foreach (var store in new[] { test.Store, other })
        {
            Assert.False(store.Contains(first.Id));
            Assert.Null(store.Find(first.Id));
            Assert.Equal(ErrorCodes.ObjectNotFound, Assert.Throws<GristmillException>(() => store.Get(first)).Code);
            Assert.Equal([second], store.List());
        }
    }

    [Fact]
    public void A_slab_goes_when_its_writer_has_ended_it_and_its_last_object_is_gone()
    {
        using var test = new TestStore(smallObjectBytes: Small);
        string[] ids;
        using (var writing = test.Open())
        {
            ids = [.. Enumerable.Range(0, 20).Select(i => Write(writing, i, 10).Id)];
            Assert.True(writing.Delete(ids[0]));
        }

        Assert.All(ids[1..^1], id => Assert.True(test.Store.Delete(id)));
        Assert.Single(test.Files());
        Assert.True(test.Store.Delete(ids[^1]));
        Assert.Empty(test.Files());

        // The other way round: deleted before it ends.
        var lone = test.Open();
        Assert.True(test.Store.Delete(Write(lone, 1, 1).Id));
        Assert.Single(test.Files());
        lone.Dispose();
        test.Store.Sweep(); // or a second later: the one who deleted has it mapped
        Assert.Empty(test.Files());
    }

    [Fact]
    public void It_is_held_as_long_as_one_of_its_neighbours_is()
    {
        using var test = new TestStore(smallObjectBytes: Small);
        using var other = test.Open();
        var (first, second) = (Write(test.Store, 1, 10), Write(test.Store, 2, 10));
        var lease = other.Get(second);
        var item = test.Store.Find(first.Id)!;
        Assert.Equal([Environment.ProcessId], item.Processes);
        Assert.True(test.Store.IsHeld(item));
        Assert.False(test.Store.RemoveUnlessHeld(item));
        Assert.True(test.Store.Contains(first.Id));
        lease.Dispose();
        other.Sweep();
        test.Store.Sweep();
        Assert.Empty(test.Store.Find(first.Id)!.Processes);
        test.Store.Pin(first.Id);
        test.Store.Sweep();
        Assert.True(test.Store.Find(first.Id)!.IsPinned);
        Assert.False(test.Store.RemoveUnlessHeld(item));
        Assert.True(test.Store.Unpin(first.Id));
        Assert.True(test.Store.RemoveUnlessHeld(item));
        Assert.False(test.Store.RemoveUnlessHeld(item));
        Assert.Equal([second], test.Store.List());
    }

    [Fact]
    public void A_killed_writers_objects_stay_and_what_it_had_reserved_goes_back()
    {
        using var test = new TestStore(smallObjectBytes: Small);
        using var process = ChildProcess.StartSlabWriter(test.Directory);
        var reference = Assert.Single(test.Store.List());
        string file = Path.Combine(test.Directory, Assert.Single(test.Files()));
        Assert.Equal(0, test.Store.Sweep());
        Assert.Empty(test.Store.Find(reference.Id)!.Processes); // it reads none of them
        long before = Allocated(file);
        Assert.InRange(before, 128 << 10, long.MaxValue);
        process.Kill();
        process.WaitForExit();
        test.Store.Sweep();
        Assert.InRange(Allocated(file), 1, before / 2);
        using (var lease = test.Store.Get(reference))
        {
            lease.Verify();
        }

        Assert.True(test.Store.Delete(reference.Id));
        test.Store.Sweep();
        Assert.Empty(test.Files());
    }

    [Fact]
    public void Many_threads_write_and_many_objects_take_few_mappings()
    {
        using var test = new TestStore(smallObjectBytes: Small);
        var written = new ObjectRef[4_000];
        Parallel.For(0, written.Length, i => written[i] = Write(test.Store, i, 20));
        var leases = System.Array.ConvertAll(written, test.Store.Get);
        foreach (var (i, lease) in leases.Index())
        {
            Assert.Equal(i, ((Int64Array)lease.Batches[0].Column(0)).GetValue(0));
        }

        Assert.InRange(File.ReadLines("/proc/self/maps").Count(line => line.Contains(test.Directory, StringComparison.Ordinal)), 1, 40);
        System.Array.ForEach(leases, static lease => lease.Dispose());
    }

    [Fact]
    public void The_last_room_of_a_store_is_used_and_then_it_is_full()
    {
        using var test = new TestStore(capacity: 1 << 20, smallObjectBytes: Small);
        var written = new List<ObjectRef>();
        string? refusal = null;
        while (refusal is null)
        {
            try
            {
                written.Add(Write(test.Store, written.Count, 1_000));
            }
            catch (GristmillException e)
            {
                refusal = e.Code;
            }
        }

        Assert.Equal(ErrorCodes.StoreFull, refusal);
        Assert.InRange(written.Sum(reference => reference.Bytes), 800 << 10, 1 << 20);
        Assert.Equal(written.ToHashSet(), test.Store.List().ToHashSet());
        Assert.DoesNotContain(test.Files(), file => file.EndsWith(".building", StringComparison.Ordinal));
    }

    [Fact]
    public void A_scribbled_or_cut_slab_is_an_error_and_no_crash()
    {
        using var test = new TestStore(smallObjectBytes: Small);
        ObjectRef[] written;
        using (var writing = test.Open())
        {
            written = [.. Enumerable.Range(0, 30).Select(i => Write(writing, i, 100))];
        }

        string file = Path.Combine(test.Directory, Assert.Single(test.Files()));
        byte[] whole = File.ReadAllBytes(file);
        var random = new Random(7);
        int refused = 0;
        for (int round = 0; round < 200; round++)
        {
            byte[] bytes = [.. whole];
            for (int i = 0; i < 20; i++)
            {
                int at = random.Next(4) == 0 ? 64 * random.Next(whole.Length / 64) + random.Next(16) : random.Next(whole.Length);
                bytes[at] = (byte)random.Next(256);
            }

            File.WriteAllBytes(file, round % 10 == 9 ? bytes[..random.Next(whole.Length)] : bytes);
            using var store = test.Open();
            _ = store.Scan().Objects.Select(store.Describe).Count();
            foreach (var reference in written)
            {
                try
                {
                    using var lease = store.Get(reference);
                    lease.Verify();
                    _ = lease.Batches.Sum(batch => batch.Length);
                }
                catch (GristmillException e) when (e.Code is ErrorCodes.Corrupt or ErrorCodes.ObjectNotFound)
                {
                    refused++;
                }
            }
        }

        Assert.InRange(refused, 200, 5_000);
        File.WriteAllText(Path.Combine(test.Directory, SlabId.NewSlab() + ".slab"), "no slab");
        Assert.Contains(test.Store.Scan().Skipped, skipped => skipped.Reason.Contains("slab", StringComparison.Ordinal));
        Assert.Equal(0, test.Store.Sweep());
        Assert.Equal(2, test.Files().Length);
    }

    [Fact]
    public void Ids_say_where_an_object_is_and_those_of_segments_do_not()
    {
        string slab = SlabId.NewSlab();
        Assert.True(SlabId.IsSlab(slab));
        Assert.Equal(new SlabId(slab, 64 * 5), SlabId.Of(new SlabId(slab, 64 * 5).ToString()));
        Assert.Null(SlabId.Of(slab + "00000000"));
        Assert.All(Enumerable.Range(0, 1_000), _ => Assert.Null(SlabId.Of(Guid.NewGuid().ToString("n"))));
    }

    internal static ObjectRef Write(ObjectStore store, int first, int rows)
    {
        using var writer = store.Create(Schema);
        writer.BeginBatch();
        var memory = writer.Allocate(8 * rows);
        var values = MemoryMarshal.Cast<byte, long>(memory.Span);
        for (int i = 0; i < rows; i++)
        {
            values[i] = first + i;
        }

        writer.EndBatch(rows, [new Int64Array(new ArrowBuffer(memory), ArrowBuffer.Empty, rows, 0, 0)]);
        return writer.Seal();
    }

    /// <summary>Bytes of memory that a file takes.</summary>
    private static long Allocated(string file)
    {
        var start = new System.Diagnostics.ProcessStartInfo("stat", ["-c", "%b", file]) { RedirectStandardOutput = true };
        using var stat = System.Diagnostics.Process.Start(start)!;
        return 512 * long.Parse(stat.StandardOutput.ReadToEnd(), System.Globalization.CultureInfo.InvariantCulture);
    }
}
