using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Objects;

public sealed class SegmentPoolTests : IDisposable
{
    private const int Large = 4 << 20;
    private static readonly Schema s_schema = new([new Field("x", Int64Type.Default, true)], null);
    private readonly TestStore _test = new();

    public SegmentPoolTests() => Assert.SkipUnless(OperatingSystem.IsLinux(), "files are written again on Linux only");

    public void Dispose() => _test.Dispose();

    [Fact]
    public void The_file_of_a_deleted_object_is_written_again()
    {
        var first = Fill(_test.Store, Large, 1);
        Assert.True(_test.Store.Delete(first.Id));
        Assert.Single(Kept());
        Assert.Empty(_test.Files());
        Assert.Empty(_test.Store.Scan().Skipped);
        Assert.Throws<GristmillException>(() => _test.Store.Get(first.Id));

        var second = Fill(_test.Store, Large, 2);
        Assert.Empty(Kept());
        using var lease = _test.Store.Get(second);
        lease.Verify();
        Assert.Equal(2, ((Int64Array)lease.Batches[0].Column(0)).Values[^1]);
    }

    [Fact]
    public void A_large_file_is_written_again_for_what_is_small_so_far_if_it_is_likely_to_grow()
    {
        const int large = 136 << 20;
        Assert.True(_test.Store.Delete(Fill(_test.Store, large, 1).Id));
        using (_test.Store.Create(s_schema, expectedBytes: 1 << 20))
        {
            Assert.Single(Kept());
        }

        using (_test.Store.Create(s_schema, expectedBytes: 1 << 20, likelyBytes: large / 2))
        {
            Assert.Empty(Kept());
        }
    }

    /// <summary>Whatever was there before: padding, bitmaps, what is allocated and never written, and the rest of a message's room are zero.</summary>
    [Fact]
    public void A_file_that_is_written_again_is_the_same_as_a_fresh_one()
    {
        foreach (var (name, write) in Ways)
        {
            using var fresh = new TestStore();
            Assert.True(_test.Store.Delete(Fill(_test.Store, 4 * Large, -1).Id));
            var expected = write(fresh.Store);
            var actual = write(_test.Store);
            Assert.Empty(Kept());
            Assert.True(Image(fresh, expected).SequenceEqual(Image(_test, actual)), name);
            _test.Store.Delete(actual.Id);
            Directory.Delete(Path.Combine(_test.Directory, ".free"), recursive: true);
        }
    }

    [Fact]
    public void What_somebody_reads_is_never_written_again()
    {
        var here = Fill(_test.Store, Large, 1);
        var there = Fill(_test.Store, Large, 2);
        using var lease = _test.Store.Get(here);
        using var reader = ChildProcess.StartReader(_test.Directory, there.Id);
        try
        {
            Assert.True(_test.Store.Delete(here.Id));
            Assert.True(_test.Store.Delete(there.Id));
            Assert.Empty(Kept());
            Fill(_test.Store, Large, 3);
            lease.Verify();
        }
        finally
        {
            reader.Kill();
            reader.WaitForExit();
        }
    }

    [Fact]
    public void Objects_that_nobody_needs_any_more_are_kept_as_deleted_ones()
    {
        Fill(_test.Store, Large, 1);
        Assert.True(_test.Store.RemoveUnlessHeld(Assert.Single(_test.Store.Scan().Objects)));
        Assert.Single(Kept());
    }

    [Fact]
    public void A_store_that_runs_short_gives_up_what_it_keeps()
    {
        using var test = new TestStore(capacity: 3 * Large);
        string[] ids = [.. Enumerable.Range(0, 2).Select(i => Fill(test.Store, Large, i).Id)];
        using var store = ObjectStore.Open(test.Store.Options with { RecycledBytes = 3 * Large });
        Assert.All(ids, id => Assert.True(store.Delete(id)));
        Assert.Equal(2, Directory.GetFiles(Path.Combine(test.Directory, ".free")).Length);
        Fill(store, Large * 5 / 2, 3);
        Assert.Empty(Directory.GetFiles(Path.Combine(test.Directory, ".free")));
    }

    [Fact]
    public void What_is_not_kept_goes_at_once_though_its_writer_has_it_mapped_still()
    {
        using var store = ObjectStore.Open(_test.Store.Options with { RecycledBytes = Large * 3 / 2 }); // room for one
        var kept = Fill(store, Large, 0);
        var reference = Fill(store, Large, 1);
        Assert.True(store.Delete(kept.Id));
        using var file = Platform.SegmentPlatform.Current.OpenRead(Path.Combine(_test.Directory, reference.Id + ".arrow"));
        Assert.Equal(reference.Bytes, RandomAccess.GetLength(file));
        Assert.True(store.Delete(reference.Id));
        Assert.Equal(0, RandomAccess.GetLength(file));
        Assert.Single(Kept());
    }

    [Fact]
    public void What_nobody_has_written_again_for_a_minute_goes()
    {
        var time = new ShiftedTime();
        using var store = ObjectStore.Open(_test.Store.Options with { TimeProvider = time });
        store.Delete(Fill(store, Large, 1).Id);
        store.Sweep();
        Assert.Single(Kept());
        time.Shift = TimeSpan.FromSeconds(61);
        store.Sweep();
        Assert.Empty(Kept());
    }

    [Fact]
    public void Only_so_much_is_kept()
    {
        using var store = ObjectStore.Open(_test.Store.Options with { RecycledBytes = 2 * Large + (1 << 20) });
        string[] ids = [.. Enumerable.Range(0, 4).Select(i => Fill(store, Large, i).Id)];
        Assert.All(ids, id => Assert.True(store.Delete(id)));
        Assert.Equal(2, Kept().Length);
        Assert.Equal(0, Fill(store, 1000, 1).Bytes >> 20);
        Assert.Equal(2, Kept().Length); // for a small one they are not touched
    }

    /// <summary>Readers open what others delete and write again at the same moment: they get it whole, or not at all.</summary>
    [Fact]
    public void Whoever_reads_while_others_delete_and_write_again_reads_what_was_sealed()
    {
        using var other = _test.Open();
        var ids = new ConcurrentDictionary<int, (string Id, long Value)>();
        using var end = new CancellationTokenSource(TimeSpan.FromSeconds(3));
        long written = 0, read = 0, missed = 0;
        Parallel.Invoke(() => Write(_test.Store, 0), () => Write(other, 1), () => Read(_test.Store), () => Read(other));
        Assert.True(written > 20 && read > 20, $"{written} written, {read} read, {missed} gone before");

        void Write(ObjectStore store, int slot)
        {
            while (!end.IsCancellationRequested)
            {
                long value = Interlocked.Increment(ref written);
                ids[slot] = (Fill(store, 1 << 20, value).Id, value);
                Thread.Yield();
                store.Delete(ids[slot].Id);
            }
        }

        void Read(ObjectStore store)
        {
            for (int i = 0; !end.IsCancellationRequested; i++)
            {
                if (!ids.TryGetValue(i % 2, out var wanted))
                {
                    continue;
                }

                try
                {
                    using var lease = store.Get(wanted.Id);
                    var values = ((Int64Array)lease.Batches[0].Column(0)).Values;
                    Assert.Equal(wanted.Value, values[0]);
                    Assert.Equal(wanted.Value, values[^1]);
                    lease.Verify();
                    Interlocked.Increment(ref read);
                }
                catch (GristmillException e) when (e.Code == ErrorCodes.ObjectNotFound)
                {
                    Interlocked.Increment(ref missed);
                }
            }
        }
    }

    private static (string Name, Func<ObjectStore, ObjectRef> Write)[] Ways =>
    [
        ("allocated", Allocated),
        ("copied, large and small, of every type", EveryType),
        ("copied in pieces by several threads", Pieces),
        ("a batch that failed", FailedBatch),
    ];

    private static ObjectRef Allocated(ObjectStore store)
    {
        using var writer = store.Create(s_schema, Large);
        writer.BeginBatch();
        var values = writer.Allocate(8 * 1001);
        values.Span[..8].Fill(1); // and the rest not at all
        var validity = writer.Allocate(126);
        validity.Span.Fill(0x55);
        writer.EndBatch(1001, [new Int64Array(new ArrowBuffer(values), new ArrowBuffer(validity), 1001, 501, 0)]);
        return writer.Seal();
    }

    private static ObjectRef EveryType(ObjectStore store)
    {
        var arrays = TestArrays.All();
        var schema = new Schema(arrays.Select(array => new Field(array.Key, array.Value.Data.DataType, true)), null);
        using var writer = store.Create(schema, Large);
        writer.Append(new RecordBatch(schema, arrays.Values, arrays.Values.First().Length));
        writer.Append(new RecordBatch(schema, arrays.Values, arrays.Values.First().Length));
        return writer.Seal();
    }

    private static ObjectRef Pieces(ObjectStore store)
    {
        var values = new long[(6 << 20) / 8 + 5];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = i;
        }

        using var writer = store.Create(s_schema, Large);
        writer.Append(new RecordBatch(s_schema, [new Int64Array(new ArrowBuffer(MemoryMarshal.AsBytes(values.AsSpan()).ToArray()), ArrowBuffer.Empty, values.Length, 0, 0)], values.Length));
        return writer.Seal();
    }

    private static ObjectRef FailedBatch(ObjectStore store)
    {
        var dense = new Schema([new Field("x", Int64Type.Default, true), new Field("t", StringType.Default, true)], null);
        using var writer = store.Create(dense, Large);
        var good = new Int64Array.Builder().AppendRange(Enumerable.Range(0, 5000).Select(static i => (long)i)).Build();
        var strings = new StringArray.Builder().AppendRange(Enumerable.Range(0, 5000).Select(static i => i.ToString(System.Globalization.CultureInfo.InvariantCulture))).Build();
        var broken = new StringArray(new ArrayData(StringType.Default, 5000, 0, 0, [ArrowBuffer.Empty, strings.Data.Buffers[1], new ArrowBuffer(new byte[3])]));
        Assert.ThrowsAny<Exception>(() => writer.Append(new RecordBatch(dense, [good, broken], 5000)));
        writer.Append(new RecordBatch(dense, [good, strings], 5000));
        return writer.Seal();
    }

    private static ObjectRef Fill(ObjectStore store, int bytes, long value)
    {
        using var writer = store.Create(s_schema, bytes);
        writer.BeginBatch();
        var values = writer.Allocate(bytes);
        MemoryMarshal.Cast<byte, long>(values.Span).Fill(value);
        writer.EndBatch(bytes / 8, [new Int64Array(new ArrowBuffer(values), ArrowBuffer.Empty, bytes / 8, 0, 0)]);
        return writer.Seal();
    }

    /// <summary>The file up to its footer, which says when it was made.</summary>
    private static ReadOnlySpan<byte> Image(TestStore test, ObjectRef reference)
    {
        byte[] file = File.ReadAllBytes(Path.Combine(test.Directory, reference.Id + ".arrow"));
        return file.AsSpan(0, file.Length - 10 - BitConverter.ToInt32(file.AsSpan(file.Length - 10)));
    }

    private string[] Kept() => Directory.Exists(Path.Combine(_test.Directory, ".free")) ? Directory.GetFiles(Path.Combine(_test.Directory, ".free")) : [];

    private sealed class ShiftedTime : TimeProvider
    {
        public TimeSpan Shift { get; set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Shift;
    }
}
