using Apache.Arrow;

namespace Gristmill.Objects;

/// <summary>Every type survives the way through a segment, whole and as slices.</summary>
public sealed class ArrowTypesTests
{
    public static TheoryData<string> Names => [.. TestArrays.All().Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Arrays_are_stored_and_mapped_back(string name)
    {
        var array = TestArrays.All()[name];
        RoundTrip(array);
        RoundTrip(ArrowArrayFactory.Slice(array, 0, 3));
        RoundTrip(ArrowArrayFactory.Slice(array, 3, array.Length - 3));
        RoundTrip(ArrowArrayFactory.Slice(array, 9, 1));
        RoundTrip(ArrowArrayFactory.Slice(array, array.Length, 0));
    }

    private static void RoundTrip(IArrowArray array)
    {
        using var test = new TestStore();
        var schema = new Schema([new Field("x", array.Data.DataType, true)], null);
        using var writer = test.Store.Create(schema);
        writer.Append(new RecordBatch(schema, [array], array.Length));
        writer.BeginBatch();
        writer.EndBatch(array.Length, [array]);
        using var lease = test.Store.Get(writer.Seal());
        Assert.Equal(2, lease.Batches.Count);
        foreach (var batch in lease.Batches)
        {
            var actual = batch.Column(0);
            Assert.Equal(array.Length, actual.Length);
            Assert.Equal(array.NullCount, actual.NullCount);
            for (int i = 0; i < array.Length; i++)
            {
                Assert.Equal(TestArrays.Show(array, i), TestArrays.Show(actual, i));
            }

            AssertMapped(lease, actual.Data);
        }
    }

    private static void AssertMapped(ObjectLease lease, ArrayData data)
    {
        Assert.All(data.Buffers.Where(buffer => buffer.Length > 0), buffer => Assert.True(lease.Owns(buffer.Span)));
        Assert.All(data.Children ?? [], child => AssertMapped(lease, child));
        if (data.Dictionary is not null)
        {
            AssertMapped(lease, data.Dictionary);
        }
    }
}
