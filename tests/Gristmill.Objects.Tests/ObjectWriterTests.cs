using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Objects;

[Collection(CountedCopies.Name)]
public sealed class ObjectWriterTests
{
    private static readonly Schema Schema = new([new Field("x", Int64Type.Default, true)], null);

    [Fact]
    public void Building_in_place_copies_nothing_and_foreign_buffers_are_counted()
    {
        using var test = new TestStore();
        long before = CopyCounter.Total;
        ObjectStoreTests.Write(test.Store, 10_000, 2);
        Assert.Equal(before, CopyCounter.Total);
        using var writer = test.Store.Create(Schema);
        writer.Append(new RecordBatch(Schema, [new Int64Array.Builder().AppendRange(Enumerable.Range(0, 100).Select(i => (long)i)).Build()], 100));
        Assert.Equal(800, CopyCounter.Total - before);
        using var lease = test.Store.Get(writer.Seal());
        _ = lease.Batches[0];
        Assert.Equal(800, CopyCounter.Total - before);
    }

    [Fact]
    public void Builders_can_allocate_inside_the_segment()
    {
        using var test = new TestStore();
        using var writer = test.Store.Create(Schema);
        long before = CopyCounter.Total;
        writer.BeginBatch();
        var array = new Int64Array.Builder().Append(1).AppendNull().Append(3).Build(writer.Allocator);
        writer.EndBatch(3, [array]);
        using var lease = test.Store.Get(writer.Seal());
        Assert.Equal(before, CopyCounter.Total);
        Assert.Equal([1, null, 3], ((Int64Array)lease.Batches[0].Column(0)).ToArray());
    }

    [Fact]
    public void Allocations_are_zeroed_aligned_and_dead_after_the_seal()
    {
        using var test = new TestStore();
        using var writer = test.Store.Create(Schema);
        writer.BeginBatch();
        var memory = new List<Memory<byte>>();
        for (int i = 1; i < 300; i += 7)
        {
            memory.Add(writer.Allocate(i * 1000));
            Assert.Equal(-1, memory[^1].Span.IndexOfAnyExcept((byte)0));
            memory[^1].Span.Fill(0xff);
        }

        writer.EndBatch(10, [new Int64Array(new ArrowBuffer(memory[0]), ArrowBuffer.Empty, 10, 0, 0)]);
        writer.Seal();
        Assert.Throws<ObjectDisposedException>(() => memory[0].Span.Length);
        Assert.Throws<ObjectDisposedException>(() => writer.BeginBatch());
        Assert.Throws<ObjectDisposedException>(() => writer.Seal());
    }

    [Fact]
    public void Disposing_without_sealing_leaves_no_trace()
    {
        using var test = new TestStore();
        using (var writer = test.Store.Create(Schema, 1 << 22))
        {
            writer.BeginBatch();
            writer.Allocate(100_000);
            Assert.Empty(test.Store.List());
            Assert.Throws<InvalidOperationException>(() => writer.Seal());
            Assert.Throws<InvalidOperationException>(() => writer.BeginBatch());
        }

        Assert.Empty(test.Files());
    }

    [Fact]
    public void An_object_without_batches_has_its_schema()
    {
        using var test = new TestStore();
        using var writer = test.Store.Create(Schema);
        using var lease = test.Store.Get(writer.Seal());
        Assert.Empty(lease.Batches);
        Assert.Equal(0, lease.Ref.Rows);
        Assert.Equal("x", lease.Schema.GetFieldByIndex(0).Name);
    }

    [Fact]
    public void Fingerprints_are_equal_for_equal_schemas_only()
    {
        using var test = new TestStore();
        string Fingerprint(string name, IArrowType type, params (string, string)[] metadata)
        {
            using var writer = test.Store.Create(new Schema([new Field(name, type, true)], metadata.ToDictionary(pair => pair.Item1, pair => pair.Item2)));
            return writer.Seal().SchemaFingerprint;
        }

        string first = Fingerprint("x", Int64Type.Default, ("a", "1"), ("b", "2"));
        Assert.Equal(16, first.Length);
        Assert.Equal(first, Fingerprint("x", Int64Type.Default, ("b", "2"), ("a", "1")));
        Assert.NotEqual(first, Fingerprint("y", Int64Type.Default, ("a", "1"), ("b", "2")));
        Assert.NotEqual(first, Fingerprint("x", Int32Type.Default, ("a", "1"), ("b", "2")));
        Assert.NotEqual(Fingerprint("x", new TimestampType(TimeUnit.Second, "UTC")), Fingerprint("x", new TimestampType(TimeUnit.Second, "CET")));
    }

    [Fact]
    public void Arrays_that_do_not_fit_are_refused_and_the_writer_stays_usable()
    {
        using var test = new TestStore();
        using var writer = test.Store.Create(Schema);
        var good = new Int64Array.Builder().Append(5).Build();
        AssertRefused(ErrorCodes.Invalid, "2 columns", writer, 1, [good, good]);
        AssertRefused(ErrorCodes.Invalid, "1 values in a batch of 2", writer, 2, [good]);
        AssertRefused(ErrorCodes.TypeMismatch, "int32", writer, 1, [new Int32Array.Builder().Append(5).Build()]);
        var cut = new Int64Array(new ArrowBuffer(new byte[8]), ArrowBuffer.Empty, 2, 0, 0);
        AssertRefused(ErrorCodes.Invalid, "2 values need 16", writer, 2, [cut]);
        writer.Append(new RecordBatch(Schema, [good], 1));
        using var lease = test.Store.Get(writer.Seal());
        Assert.Equal(1, lease.Ref.Rows);
    }

    [Fact]
    public void Offsets_that_leave_their_data_are_refused_at_the_end_of_the_batch()
    {
        using var test = new TestStore();
        var schema = new Schema([new Field("s", StringType.Default, true)], null);
        using var writer = test.Store.Create(schema);
        byte[] offsets = new byte[12];
        BitConverter.TryWriteBytes(offsets.AsSpan(4), 100);
        BitConverter.TryWriteBytes(offsets.AsSpan(8), 4);
        var array = new StringArray(2, new ArrowBuffer(offsets), new ArrowBuffer(new byte[4]), ArrowBuffer.Empty, 0, 0);
        AssertRefused(ErrorCodes.Invalid, "decrease", writer, 2, [array]);
    }

    [Fact]
    public void A_writer_that_was_forgotten_is_cleaned_up()
    {
        using var test = new TestStore();
        Forget(test.Store);
        for (int i = 0; i < 20 && test.Files().Length > 0; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.Empty(test.Files());
    }

    [Fact]
    public void A_forgotten_lease_is_harmless_and_counted()
    {
        using var test = new TestStore();
        var values = Leak(test.Store, ObjectStoreTests.Write(test.Store, 100, 1).Id);
        for (int i = 0; i < 20 && test.Store.LiveLeases > 0; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.Equal(0, test.Store.LiveLeases);
        Assert.Equal(1, test.Store.LeakedLeases);
        Assert.Equal(99, values.GetValue(99)); // the array alone keeps the mapping
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static Int64Array Leak(ObjectStore store, string id) => (Int64Array)store.Get(id).Batches[0].Column(0);

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static void Forget(ObjectStore store)
    {
        var writer = store.Create(Schema);
        writer.BeginBatch();
        writer.Allocate(1000);
    }

    private static void AssertRefused(string code, string says, ObjectWriter writer, int rows, IArrowArray[] columns)
    {
        writer.BeginBatch();
        var error = Assert.Throws<GristmillException>(() => writer.EndBatch(rows, columns));
        Assert.Equal(code, error.Code);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);

        // The batch is still open: it can be ended with arrays that fit.
        IArrowArray empty = writer.Schema.FieldsList[0].DataType is StringType ? new StringArray.Builder().Build() : new Int64Array.Builder().Build();
        writer.EndBatch(0, [empty]);
    }
}
