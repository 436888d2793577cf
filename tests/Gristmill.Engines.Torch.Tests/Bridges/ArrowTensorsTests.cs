using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Engines.Torch.Interop;
using Gristmill.Objects;
using TorchSharp;

namespace Gristmill.Engines.Torch;

// Copies are counted for the whole process: these tests share it one after the other.
[Collection("copies")]
public sealed class ArrowTensorsTests : IDisposable
{
    private readonly TempStore _temp = new();

    public static TheoryData<string> ViewedTypes => ["int8", "uint8", "int16", "int32", "int64", "half", "float", "double", "date32", "timestamp"];

    public void Dispose() => _temp.Dispose();

    [Theory]
    [MemberData(nameof(ViewedTypes))]
    public void A_primitive_column_is_viewed_at_its_own_address(string kind)
    {
        IArrowArray array = kind switch
        {
            "int8" => new Int8Array.Builder().AppendRange([1, 2, 3, -4]).Build(),
            "uint8" => new UInt8Array.Builder().AppendRange([1, 2, 3, 200]).Build(),
            "int16" => new Int16Array.Builder().AppendRange([1, 2, 3, -4]).Build(),
            "int32" => new Int32Array.Builder().AppendRange([1, 2, 3, -4]).Build(),
            "int64" => new Int64Array.Builder().AppendRange([1, 2, 3, -4]).Build(),
            "half" => new HalfFloatArray.Builder().AppendRange([(Half)1, (Half)2, (Half)3, (Half)(-4)]).Build(),
            "float" => new FloatArray.Builder().AppendRange([1, 2, 3, -4]).Build(),
            "double" => new DoubleArray.Builder().AppendRange([1, 2, 3, -4]).Build(),
            "date32" => new Date32Array.Builder().AppendRange([DateTime.UnixEpoch.AddDays(1), DateTime.UnixEpoch.AddDays(2), DateTime.UnixEpoch.AddDays(3), DateTime.UnixEpoch.AddDays(-4)]).Build(),
            _ => new TimestampArray.Builder(TimeUnit.Second).AppendRange([DateTimeOffset.UnixEpoch.AddSeconds(1), DateTimeOffset.UnixEpoch.AddSeconds(2), DateTimeOffset.UnixEpoch.AddSeconds(3), DateTimeOffset.UnixEpoch.AddSeconds(-4)]).Build(),
        };
        using var lease = Sealed(("x", array));
        var before = CopyCounter.Total;

        using var tensor = lease.AsTensor("x");

        Assert.Equal(before, CopyCounter.Total);
        Assert.Equal(AddressOf(lease.Batches[0].Column(0).Data.Buffers[1].Span), ForeignTensors.Address(tensor));
        using var doubles = tensor.to(torch.ScalarType.Float64);
        Assert.Equal([1, 2, 3, kind == "uint8" ? 200 : -4], doubles.data<double>().ToArray());
    }

    [Fact]
    public void A_slice_is_viewed_from_its_first_element()
    {
        using var lease = Sealed(("x", new Int64Array.Builder().AppendRange(Enumerable.Range(0, 100).Select(i => (long)i)).Build()));
        var slice = lease.Batches[0].Slice(10, 5).Column(0);

        using var tensor = lease.AsTensor(slice);

        Assert.Equal([10L, 11, 12, 13, 14], tensor.data<long>().ToArray());
        Assert.Equal(AddressOf(lease.Batches[0].Column(0).Data.Buffers[1].Span) + 80, ForeignTensors.Address(tensor));
    }

    [Fact]
    public void A_fixed_size_list_is_a_matrix_over_the_same_memory()
    {
        var values = new FloatArray.Builder().AppendRange([1, 2, 3, 4, 5, 6]).Build();
        var type = new FixedSizeListType(new Field("item", FloatType.Default, false), 2);
        using var lease = Sealed(("m", new FixedSizeListArray(type, 3, values, ArrowBuffer.Empty, 0, 0)));
        var before = CopyCounter.Total;

        using var matrix = lease.AsTensor("m");

        Assert.Equal([3L, 2L], matrix.shape);
        Assert.Equal(before, CopyCounter.Total);
        var stored = (FixedSizeListArray)lease.Batches[0].Column(0);
        Assert.Equal(AddressOf(stored.Values.Data.Buffers[1].Span), ForeignTensors.Address(matrix));
        using var cell = matrix[2, 1];
        Assert.Equal(6f, cell.item<float>());

        using var slice = lease.AsTensor(lease.Batches[0].Slice(1, 2).Column(0));
        Assert.Equal([2L, 2L], slice.shape);
        Assert.Equal([3f, 4, 5, 6], slice.data<float>().ToArray());
    }

    [Fact]
    public void Types_that_torch_lacks_are_copied_and_counted()
    {
        using var lease = Sealed(
            ("b", new BooleanArray.Builder().AppendRange([true, false, true]).Build()),
            ("u16", new UInt16Array.Builder().AppendRange([1, 2, 65535]).Build()),
            ("u32", new UInt32Array.Builder().AppendRange([1, 2, uint.MaxValue]).Build()),
            ("u64", new UInt64Array.Builder().AppendRange([1, 2, 3]).Build()));
        var before = CopyCounter.Total;

        using var b = lease.AsTensor("b");
        using var u16 = lease.AsTensor("u16");
        using var u32 = lease.AsTensor("u32");
        using var u64 = lease.AsTensor("u64");

        Assert.Equal(3 + 12 + 24 + 24, CopyCounter.Total - before);
        Assert.Equal([true, false, true], b.data<bool>().ToArray());
        Assert.Equal([1, 2, 65535], u16.data<int>().ToArray());
        Assert.Equal([1L, 2, uint.MaxValue], u32.data<long>().ToArray());
        Assert.Equal([1L, 2, 3], u64.data<long>().ToArray());
    }

    [Fact]
    public void Unsigned_values_beyond_torchs_integers_are_refused()
    {
        using var lease = Sealed(("u", new UInt64Array.Builder().AppendRange([ulong.MaxValue]).Build()));
        var error = Assert.Throws<GristmillException>(() => lease.AsTensor("u"));
        Assert.Equal(ErrorCodes.BadValue, error.Code);
        Assert.Contains("'u'", error.Message);
    }

    [Fact]
    public void Text_and_unknown_columns_are_refused_by_name()
    {
        using var lease = Sealed(("s", new StringArray.Builder().Append("a").Build()));
        Assert.Equal(ErrorCodes.TypeMismatch, Assert.Throws<GristmillException>(() => lease.AsTensor("s")).Code);
        Assert.Equal(ErrorCodes.UnknownColumn, Assert.Throws<GristmillException>(() => lease.AsTensor("t")).Code);
    }

    [Fact]
    public void Nulls_are_refused_made_NaN_or_ignored_as_asked()
    {
        using var lease = Sealed(
            ("f", new FloatArray.Builder().Append(1).AppendNull().Append(3).Build()),
            ("i", new Int32Array.Builder().Append(1).AppendNull().Append(3).Build()));
        var before = CopyCounter.Total;

        Assert.Equal(ErrorCodes.BadValue, Assert.Throws<GristmillException>(() => lease.AsTensor("f")).Code);
        Assert.Equal(ErrorCodes.TypeMismatch, Assert.Throws<GristmillException>(() => lease.AsTensor("i", NullHandling.NotANumber)).Code);
        using var ignored = lease.AsTensor("f", NullHandling.Ignore);
        Assert.Equal(before, CopyCounter.Total);
        using var imputed = lease.AsTensor("f", NullHandling.NotANumber);
        Assert.Equal([1f, float.NaN, 3f], imputed.data<float>().ToArray());
        Assert.Equal(12, CopyCounter.Total - before);
    }

    [Fact]
    public void The_lease_lives_as_long_as_the_last_view()
    {
        var lease = Sealed(("x", new FloatArray.Builder().AppendRange([1, 2, 3, 4]).Build()));
        var tensor = lease.AsTensor("x");
        var view = tensor[torch.TensorIndex.Slice(2, 4)];
        lease.Dispose();
        tensor.Dispose();
        Assert.Equal(1, _temp.Objects.LiveLeases);

        Assert.Equal([3f, 4f], view.data<float>().ToArray());
        view.Dispose();

        Assert.Equal(0, _temp.Objects.LiveLeases);
    }

    [Fact]
    public void Views_that_nobody_disposed_go_with_the_garbage_collector()
    {
        Forget();
        for (var i = 0; i < 10 && _temp.Objects.LiveLeases > 0; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.Equal(0, _temp.Objects.LiveLeases);

        [MethodImpl(MethodImplOptions.NoInlining)]
        void Forget()
        {
            using var lease = Sealed(("x", new FloatArray.Builder().AppendRange([1, 2, 3, 4]).Build()));
            _ = lease.AsTensor("x");
            _ = lease.AsTensor("x");
        }
    }

    [Fact]
    public void A_view_is_known_to_be_read_only_and_a_writable_clone_is_counted()
    {
        using var lease = Sealed(("x", new FloatArray.Builder().AppendRange([1, 2, 3, 4]).Build()));
        using var tensor = lease.AsTensor("x");
        using var part = tensor[torch.TensorIndex.Slice(1, 3)];
        Assert.True(ArrowTensors.IsReadOnly(tensor));
        Assert.True(ArrowTensors.IsReadOnly(part));
        var before = CopyCounter.Total;

        using var own = part.Writable();
        own.add_(10);

        Assert.Equal([12f, 13f], own.data<float>().ToArray());
        Assert.Equal([2f, 3f], part.data<float>().ToArray());
        Assert.Equal(8, CopyCounter.Total - before);
        Assert.Same(own, own.Writable());
    }

    [Fact]
    public void Several_batches_are_joined_and_counted()
    {
        var array = new Int64Array.Builder().AppendRange([1, 2]).Build();
        var schema = new Schema([new Field("x", Int64Type.Default, false)], null);
        using var writer = _temp.Objects.Create(schema);
        writer.Append(new RecordBatch(schema, [array], 2));
        writer.Append(new RecordBatch(schema, [array], 2));
        using var lease = _temp.Objects.Get(writer.Seal());
        var before = CopyCounter.Total;

        using var tensor = lease.AsTensor("x");

        Assert.Equal([1L, 2, 1, 2], tensor.data<long>().ToArray());
        Assert.Equal(32, CopyCounter.Total - before);
    }

    private ObjectLease Sealed(params (string Name, IArrowArray Array)[] columns)
    {
        var schema = new Schema([.. columns.Select(c => new Field(c.Name, c.Array.Data.DataType, c.Array.NullCount > 0))], null);
        using var writer = _temp.Objects.Create(schema);
        writer.Append(new RecordBatch(schema, columns.Select(c => c.Array), columns[0].Array.Length));
        return _temp.Objects.Get(writer.Seal());
    }

    private static unsafe nint AddressOf(ReadOnlySpan<byte> span) => (nint)Unsafe.AsPointer(ref MemoryMarshal.GetReference(span));
}
