using Apache.Arrow;
using static Gristmill.Engines.Tables;

namespace Gristmill.Engines;

public sealed class FeatureEncoderObjectsTests
{
    private static readonly RecordBatch First = Of(("x", Doubles(1, 2, 3)), ("o", Strings("a", "b", "a")), ("y", Strings("no", "yes", "no")));
    private static readonly RecordBatch Second = Of(("x", Doubles(null, 5)), ("o", Strings("c", null)), ("y", Strings("yes", "no")));
    private static readonly FeaturePlan Plan = new([Spec(TransformKind.Impute, "x"), Spec(TransformKind.Category, "o")]);

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_table_becomes_one_matrix_and_one_label_column_written_once(int threads)
    {
        using var stores = new TestStores();
        RecordBatch[] table = [First, Second];
        var encoder = FeatureEncoder.Fit(Plan, table, "y");
        var copied = CopiedBySegments(() =>
        {
            var encoded = encoder.EncodeTo(stores.Objects, table, encoder.Label, threads, null, CancellationToken.None);
            using var lease = stores.Objects.Get(encoded);
            var batch = Assert.Single(lease.Batches);
            Assert.Equal(["features", "label"], batch.Schema.FieldsList.Select(f => f.Name));
            var list = Assert.IsType<FixedSizeListArray>(batch.Column(0));
            var matrix = Assert.IsType<FloatArray>(list.Values).Values.ToArray();
            Assert.Equal([.. encoder.Encode(First), .. encoder.Encode(Second)], matrix);
            Assert.Equal([0, 1, 0, 1, 0], ((FloatArray)batch.Column(1)).Values.ToArray());
            Assert.Equal(["no", "yes"], encoder.Label!.Classes);
            Assert.True(lease.Owns(((FloatArray)list.Values).ValueBuffer.Span));
        });
        Assert.Equal(0, copied);
    }

    [Fact]
    public void A_matrix_above_the_buffer_limit_takes_several_batches()
    {
        using var stores = new TestStores();
        RecordBatch[] table = [First, Second];
        var encoder = FeatureEncoder.Fit(Plan, table, null);
        var encoded = encoder.EncodeTo(stores.Objects, table, label: null, 2, null, maxBufferBytes: 17, CancellationToken.None);
        using var lease = stores.Objects.Get(encoded);
        Assert.Equal([2, 1, 2], lease.Batches.Select(b => b.Length));
        Assert.Equal([.. encoder.Encode(First), .. encoder.Encode(Second)],
            lease.Batches.SelectMany(b => ((FloatArray)((FixedSizeListArray)b.Column(0)).Values).Values.ToArray()));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Equal_rows_become_one_with_their_number_as_weight(int threads)
    {
        using var stores = new TestStores();
        // Six different rows, spread over two batches of several ranges each; NaN and null are one value to the encoder.
        var (first, second) = (Repeated(100_000, 0), Repeated(50_001, 3));
        var encoder = FeatureEncoder.Fit(Plan, [first, second], "y");
        var encoded = encoder.EncodeDistinctTo(stores.Objects, [first, second], encoder.Label!, () => threads, CancellationToken.None);
        using var lease = stores.Objects.Get(encoded!);
        var batch = Assert.Single(lease.Batches);
        Assert.Equal(["features", "label", "weight"], batch.Schema.FieldsList.Select(f => f.Name));
        var once = Repeated(6, 0);
        Assert.Equal(encoder.Encode(once), ((FloatArray)((FixedSizeListArray)batch.Column(0)).Values).Values.ToArray());
        Assert.Equal([0, 1, 0, 1, 0, 1], ((FloatArray)batch.Column(1)).Values.ToArray());
        Assert.Equal(Enumerable.Range(0, 6).Select(k => (float)(Count(100_000, k) + Count(50_001, k - 3))), ((FloatArray)batch.Column(2)).Values.ToArray());

        static RecordBatch Repeated(int rows, int shift)
        {
            var kinds = Enumerable.Range(shift, rows).Select(i => i % 6).ToArray();
            return Of(("x", Doubles([.. kinds.Select(k => k == 5 ? (double?)null : k / 2)])), ("o", Strings([.. kinds.Select(k => k < 4 ? "a" : "b")])),
                ("y", Strings([.. kinds.Select(k => k % 2 == 0 ? "no" : "yes")])));
        }

        static int Count(int rows, int kind) => Enumerable.Range(0, rows).Count(i => (i - kind) % 6 == 0);
    }

    [Fact]
    public void Rows_that_are_mostly_different_are_not_merged()
    {
        using var stores = new TestStores();
        var table = Of(("x", Doubles([.. Enumerable.Range(0, 99).Select(i => (double?)(i * 2 / 3))])), ("o", Strings([.. Enumerable.Repeat("a", 99)])),
            ("y", Strings([.. Enumerable.Range(0, 99).Select(i => i % 3 == 0 ? "no" : "yes")])));
        var encoder = FeatureEncoder.Fit(Plan, [table], "y");
        Assert.Null(encoder.EncodeDistinctTo(stores.Objects, [table], encoder.Label!, () => 1, CancellationToken.None));
        Assert.Empty(stores.Objects.List());
    }

    [Fact]
    public void Errors_and_cancellation_leave_nothing()
    {
        using var stores = new TestStores();
        var encoder = FeatureEncoder.Fit(new FeaturePlan([Spec(TransformKind.Number, "x")]), [First], null);
        var error = Assert.Throws<GristmillException>(() => encoder.EncodeTo(stores.Objects, [First, Second], null));
        Assert.Equal("3", error.Error.Details["row"]);
        Assert.Equal(ErrorCodes.UnknownColumn, Assert.Throws<GristmillException>(() => encoder.EncodeTo(stores.Objects, [First], "zz")).Code);
        Assert.ThrowsAny<OperationCanceledException>(() => encoder.EncodeTo(stores.Objects, [First], null, 1, null, new CancellationToken(true)));
        Assert.Empty(stores.Objects.List());
        Assert.Empty(Directory.EnumerateFiles(stores.Objects.Options.Directory, "*building*"));
    }

    [Fact]
    public void No_rows_make_an_empty_object()
    {
        using var stores = new TestStores();
        var encoder = FeatureEncoder.Fit(Plan, [First], null);
        Assert.Equal(0, encoder.EncodeTo(stores.Objects, [], null).Rows);
        Assert.Equal(0, encoder.EncodeTo(stores.Objects, [First.Slice(0, 0)], "x").Rows);
    }

    // The process-wide total would count what tests beside this one copy.
    private static long CopiedBySegments(Action work)
    {
        long copied = 0;
        var thread = Environment.CurrentManagedThreadId;
        using var listener = new System.Diagnostics.Metrics.MeterListener();
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument.Name == "gristmill.bytes_copied")
            {
                l.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((_, bytes, _, _) => copied += Environment.CurrentManagedThreadId == thread ? bytes : 0);
        listener.Start();
        work();
        return copied;
    }
}
