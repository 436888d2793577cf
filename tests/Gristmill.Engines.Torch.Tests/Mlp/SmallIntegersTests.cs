using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Engines.Torch;

public sealed class SmallIntegersTests
{
    [Fact]
    public void Integers_of_a_narrow_range_over_all_batches_are_found()
    {
        var schema = new Schema(
        [
            new Field("month", Int64Type.Default, false), new Field("grows", Int32Type.Default, false), new Field("far", Int8Type.Default, false),
            new Field("real", FloatType.Default, false),
        ], null);
        RecordBatch Batch(long month, int grows) => new(schema,
        [
            new Int64Array.Builder().AppendRange([month, month + 1]).Build(), new Int32Array.Builder().AppendRange([grows, grows]).Build(),
            new Int8Array.Builder().AppendRange([-100, 100]).Build(), new FloatArray.Builder().AppendRange([1, 2]).Build(),
        ], 2);

        Assert.Equal(["month"], SmallIntegers.Among([Batch(1, 0), Batch(11, SmallIntegers.Values)]));
        Assert.Empty(SmallIntegers.Among([]));
    }
}
