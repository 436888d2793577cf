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
