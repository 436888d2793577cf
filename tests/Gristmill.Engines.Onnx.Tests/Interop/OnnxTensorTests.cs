using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Objects;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Gristmill.Engines.Onnx;

[Collection("ONNX")]
public sealed class OnnxTensorTests : IDisposable
{
    private readonly OnnxHost _host = new();

    public void Dispose() => _host.Dispose();

    [Fact]
    public unsafe void A_mapped_column_is_a_tensor_where_it_lies()
    {
        using var writer = _host.Objects.Create(new Schema([new Field("x", FloatType.Default, false)], null));
        writer.Append(OnnxHost.Table(("x", OnnxHost.Floats(1, 2, 3, 4))));
        var lease = _host.Objects.Get(writer.Seal());
        var column = (FloatArray)lease.Batches[0].Column(0);
        var before = CopyCounter.Total;
        using var tensor = OnnxTensor.View(column.ValueBuffer.Memory[..16], TensorElementType.Float, [2, 2], lease);
        Assert.True(lease.Owns(new ReadOnlySpan<byte>((void*)tensor.Address, 16)));
        fixed (float* first = tensor.Value.GetTensorDataAsSpan<float>())
        {
            Assert.Equal(tensor.Address, (nint)first);
        }

        Assert.Equal(before, CopyCounter.Total);

        // The tensor holds the object when the lease is gone.
        lease.Dispose();
        Assert.Equal([1, 2, 3, 4], tensor.Value.GetTensorDataAsSpan<float>().ToArray());
    }

    [Fact]
    public unsafe void An_output_is_written_into_a_segment()
    {
        var path = Path.Combine(_host.Folder, "m.onnx");
        File.WriteAllBytes(path, OnnxModels.Logistic([1, -1], 0));
        using var session = OnnxSession.Open(path, 1);
        using var writer = _host.Objects.Create(new Schema([new Field("y", FloatType.Default, false)], null));
        writer.BeginBatch();
        var room = writer.Allocate(3 * sizeof(float));
        nint written;
        using (var x = OnnxTensor.View(System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>([0, 0, 5, 0, 0, 5]).ToArray(), TensorElementType.Float, [3, 2]))
        using (var y = OnnxTensor.View(room, TensorElementType.Float, [3, 1]))
        using (var binding = session.CreateIoBinding())
        using (var run = new RunOptions())
        {
            written = y.Address;
            binding.BindInput("x", x.Value);
            binding.BindOutput("y", y.Value);
            session.RunWithBinding(run, binding);
        }

        fixed (byte* start = room.Span)
        {
            Assert.Equal((nint)start, written);
        }

        var before = CopyCounter.Total;
        writer.EndBatch(3, [new FloatArray(new ArrowBuffer(room), ArrowBuffer.Empty, 3, 0, 0)]);
        using var lease = _host.Objects.Get(writer.Seal());
        Assert.Equal(before, CopyCounter.Total);
        var values = ((FloatArray)lease.Batches[0].Column(0)).Values;
        Assert.Equal(0.5f, values[0]);
        Assert.True(values[1] > 0.99f && values[2] < 0.01f);
    }

    [Fact]
    public void A_shape_of_another_size_is_refused() =>
        Assert.Throws<ArgumentException>(() => OnnxTensor.View(new byte[12], TensorElementType.Float, [2, 2]));
}
