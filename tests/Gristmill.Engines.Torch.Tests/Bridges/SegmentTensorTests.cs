using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Apache.Arrow;
using Gristmill.Engines.Torch.Interop;
using Gristmill.Objects;
using TorchSharp;

namespace Gristmill.Engines.Torch;

[Collection("copies")]
public sealed class SegmentTensorTests : IDisposable
{
    private readonly TempStore _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void Computing_into_a_segment_tensor_is_the_one_write_of_the_column()
    {
        var schema = new Schema([new Field("y", SegmentTensor.ColumnType(torch.ScalarType.Float32, 3), false)], null);
        var before = CopyCounter.Total;
        using var writer = _temp.Objects.Create(schema);
        writer.BeginBatch();
        TorchRuntime.EnsureLoaded();
        using (var scope = torch.NewDisposeScope())
        {
            using var y = SegmentTensor.Allocate(writer, torch.ScalarType.Float32, 4, 3);
            y.Tensor.add_(torch.arange(12, dtype: torch.float32).view(4, 3)).add_(1);
            var column = y.ToArray();
            var stored = ((FixedSizeListArray)column).Values.Data.Buffers[1].Span;
            Assert.Equal(ForeignTensors.Address(y.Tensor), AddressOf(stored));
            Assert.False(ArrowTensors.IsReadOnly(y.Tensor));
            writer.EndBatch(4, [column]);
        }

        using var lease = _temp.Objects.Get(writer.Seal());

        Assert.Equal(before, CopyCounter.Total);
        using var read = lease.AsTensor("y");
        Assert.Equal([4L, 3L], read.shape);
        Assert.Equal(Enumerable.Range(1, 12).Select(i => (float)i), read.data<float>().ToArray());
    }

    [Fact]
    public void Any_tensor_is_written_once()
    {
        TorchRuntime.EnsureLoaded();
        using var scope = torch.NewDisposeScope();
        var tensor = torch.arange(6, dtype: torch.int64).view(2, 3).t();
        var schema = new Schema([new Field("x", SegmentTensor.ColumnType(torch.ScalarType.Int64, 2), false)], null);
        var before = CopyCounter.Total;
        using var writer = _temp.Objects.Create(schema);
        writer.BeginBatch();
        writer.EndBatch(3, [SegmentTensor.Write(writer, tensor)]);
        using var lease = _temp.Objects.Get(writer.Seal());

        Assert.Equal(before, CopyCounter.Total);
        Assert.Equal([0L, 3, 1, 4, 2, 5], lease.AsTensor("x").data<long>().ToArray());
    }

    [Fact]
    public void Types_without_an_Arrow_layout_are_refused()
    {
        var error = Assert.Throws<GristmillException>(() => SegmentTensor.ColumnType(torch.ScalarType.BFloat16));
        Assert.Equal(ErrorCodes.TypeMismatch, error.Code);
    }

    private static unsafe nint AddressOf(ReadOnlySpan<byte> span) => (nint)Unsafe.AsPointer(ref MemoryMarshal.GetReference(span));
}
