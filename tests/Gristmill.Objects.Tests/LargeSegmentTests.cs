using System.Runtime.InteropServices;
using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Objects;

public sealed class LargeSegmentTests
{
    [Fact]
    public void Rows_beyond_two_gibibytes_are_read()
    {
        const int Batches = 3, Rows = 94_000_000; // 752 MB a batch
        using var test = new TestStore();
        long free = new DriveInfo(test.Directory).AvailableFreeSpace;
        Assert.SkipUnless(free > 3L << 30, $"{free >> 20} MiB are free where 3 GiB are needed");
        using var writer = test.Store.Create(new Schema([new Field("x", Int64Type.Default, false)], null));
        for (int i = 0; i < Batches; i++)
        {
            writer.BeginBatch();
            var values = writer.Allocate(Rows * 8);
            MemoryMarshal.Cast<byte, long>(values.Span)[Rows - 1] = i + 1;
            writer.EndBatch(Rows, [new Int64Array(new ArrowBuffer(values), ArrowBuffer.Empty, Rows, 0, 0)]);
        }

        var reference = writer.Seal();
        Assert.True(reference.Bytes > int.MaxValue);
        using var lease = test.Store.Get(reference);
        Assert.Equal((long)Batches * Rows, lease.Ref.Rows);
        for (int i = 0; i < Batches; i++)
        {
            var column = (Int64Array)lease.Batches[i].Column(0);
            Assert.Equal(i + 1, column.GetValue(Rows - 1));
            Assert.True(lease.Owns(column.Data.Buffers[1].Span));
        }

        Assert.Equal([reference], test.Store.List());
    }
}
