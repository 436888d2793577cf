using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Engines.Torch.Interop;
using Gristmill.Objects;
using TorchSharp;

namespace Gristmill.Engines.Torch;

// Copies are counted for the whole process: these tests share it one after the other.
[Collection("copies")]
public sealed class TorchDataLoaderTests : IDisposable
{
    private readonly TempStore _temp = new();

    public TorchDataLoaderTests() => TorchRuntime.EnsureLoaded();

    public void Dispose()
    {
        Assert.Equal(0, _temp.Objects.LiveLeases);
        _temp.Dispose();
    }

    [Fact]
    public void In_order_batches_are_slices_of_the_mapping()
    {
        using var lease = Numbers(10);
        using var loader = TorchDataLoader.Open(lease, ["x", "m"], new() { BatchSize = 4 });
        using var whole = lease.AsTensor("x");
        var before = CopyCounter.Total;
        var seen = new List<float>();
        foreach (var batch in loader)
        {
            Assert.Equal(ForeignTensors.Address(whole) + (4 * seen.Count), ForeignTensors.Address(batch["x"]));
            Assert.Equal([batch.Rows, 2], batch["m"].shape);
            Assert.True(ArrowTensors.IsReadOnly(batch.Tensors[0]));
            Assert.Equal([.. batch["x"].data<float>().SelectMany(v => new[] { v, -v })], batch["m"].data<float>().ToArray());
            seen.AddRange(batch["x"].data<float>());
        }

        Assert.Equal(Enumerable.Range(0, 10).Select(i => (float)i), seen);
        Assert.Equal(before, CopyCounter.Total);
        Assert.Equal((3, 10), (loader.Length, loader.Rows));
        Assert.Equal(["x", "m"], loader.Columns);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public void Shuffled_epochs_differ_and_runs_repeat(int prefetch)
    {
        using var lease = Numbers(1000, parts: 3);
        var options = new TorchDataLoaderOptions { BatchSize = 64, Shuffle = true, Seed = 5, Prefetch = prefetch };
        using var loader = TorchDataLoader.Open(lease, ["x", "m"], options);
        using var again = TorchDataLoader.Open(lease, ["x"], options);
        using var other = TorchDataLoader.Open(lease, ["x"], options with { Seed = 6 });
        var before = CopyCounter.Total;

        var first = Values(loader);
        var second = Values(loader);

        Assert.Equal(before, CopyCounter.Total);
        Assert.NotEqual(first, second);
        Assert.NotEqual(first, Enumerable.Range(0, 1000).Select(i => (float)i));
        Assert.Equal(Enumerable.Range(0, 1000).Select(i => (float)i), first.Order());
        Assert.Equal(Enumerable.Range(0, 1000).Select(i => (float)i), second.Order());
        Assert.Equal(first, Values(again));
        Assert.Equal(second, Values(again));
        Assert.NotEqual(first, Values(other));
    }

    [Fact]
    public void Columns_of_a_row_stay_together()
    {
        using var lease = Numbers(300, parts: 4);
        using var loader = TorchDataLoader.Open(lease, options: new() { BatchSize = 7, Shuffle = true });
        foreach (var (x, m, i) in loader)
        {
            var values = x.data<float>().ToArray();
            Assert.Equal([.. values.SelectMany(v => new[] { v, -v })], m.data<float>().ToArray());
            Assert.Equal([.. values.Select(v => (long)v)], i.data<long>().ToArray());
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(8)]
    public void Rows_of_any_width_are_gathered(int width)
    {
        using var data = torch.arange(100 * width, dtype: torch.ScalarType.Byte).reshape(100, width);
        using var order = torch.tensor(new long[] { 99, 0, 50, 50 });
        using var loader = TorchDataLoader.Of([data], new() { Sampler = _ => order.alias() });
        foreach (var batch in loader)
        {
            using var expected = data.index_select(0, order);
            Assert.Equal(expected.data<byte>().ToArray(), batch.Tensors[0].data<byte>().ToArray());
        }

        Assert.Equal(new TorchDataLoaderPosition(1, 0), loader.Position);
    }

    [Fact]
    public void Nothing_of_torchs_own_generator_is_used()
    {
        using var data = torch.arange(50);
        using var loader = TorchDataLoader.Of([data], new() { Shuffle = true });
        torch.manual_seed(3);
        using var expected = torch.rand(4);
        torch.manual_seed(3);
        Assert.Equal(50, loader.Sum(b => b.Rows));
        using var actual = torch.rand(4);
        Assert.Equal(expected.data<float>().ToArray(), actual.data<float>().ToArray());
    }

    [Fact]
    public void The_last_batch_may_be_dropped()
    {
        using var lease = Numbers(10);
        using var loader = TorchDataLoader.Open(lease, ["x"], new() { BatchSize = 4, DropLast = true });
        Assert.Equal(2, loader.Length);
        Assert.Equal([4, 4], loader.Select(b => b.Rows));
    }

    [Fact]
    public void A_batch_across_two_record_batches_is_joined_and_counted()
    {
        using var lease = Numbers(10, parts: 2);
        using var loader = TorchDataLoader.Open(lease, ["x"], new() { BatchSize = 4 });
        var before = CopyCounter.Total;

        Assert.Equal(Enumerable.Range(0, 10).Select(i => (float)i), Values(loader));

        Assert.Equal(16, CopyCounter.Total - before);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_tensor_that_is_kept_never_sees_another_batch(bool shuffle)
    {
        using var lease = Numbers(64, parts: 3);
        using var loader = TorchDataLoader.Open(lease, ["x"], new() { BatchSize = 8, Shuffle = shuffle, Prefetch = 2 });
        var kept = new List<(torch.Tensor Tensor, float[] Values)>();
        foreach (var batch in loader)
        {
            kept.Add((batch["x"].alias(), batch["x"].data<float>().ToArray()));
        }

        Assert.All(kept, k => Assert.Equal(k.Values, k.Tensor.data<float>().ToArray()));
        kept.ForEach(k => k.Tensor.Dispose());
    }

    [Fact]
    public void Buffers_are_used_again()
    {
        using var lease = Numbers(400);
        using var loader = TorchDataLoader.Open(lease, ["x"], new() { BatchSize = 8, Shuffle = true });
        var addresses = new HashSet<nint>();
        foreach (var batch in loader)
        {
            addresses.Add(ForeignTensors.Address(batch["x"]));
        }

        Assert.Single(addresses);
    }

    [Fact]
    public void A_batchs_tensors_end_with_the_step_of_the_loop_and_are_in_no_scope()
    {
        using var lease = Numbers(64);
        using var loader = TorchDataLoader.Open(lease, ["x"], new() { BatchSize = 8, Shuffle = true });
        using var outer = torch.NewDisposeScope();
        torch.Tensor? last = null;
        foreach (var batch in loader)
        {
            Assert.True(last is null || last.IsInvalid);
            last = batch["x"];
            using (torch.NewDisposeScope())
            {
                _ = last.add(1);
            }

            Assert.False(last.IsInvalid);
        }

        Assert.True(last!.IsInvalid);
        Assert.Equal(0, outer.DisposablesCount);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void A_position_goes_on_where_it_was_taken(int prefetch)
    {
        using var lease = Numbers(100);
        var options = new TorchDataLoaderOptions { BatchSize = 8, Shuffle = true, Prefetch = prefetch };
        using var loader = TorchDataLoader.Open(lease, ["x"], options);
        _ = Values(loader);
        var seen = new List<float>();
        foreach (var batch in loader)
        {
            Assert.Equal(1, batch.Epoch);
            seen.AddRange(batch["x"].data<float>());
            if (batch.Index == 4)
            {
                break;
            }
        }

        Assert.Equal(new TorchDataLoaderPosition(1, 5), loader.Position);
        using var resumed = TorchDataLoader.Open(lease, ["x"], options);
        resumed.Seek(loader.Position);
        seen.AddRange(Values(resumed));
        using var whole = TorchDataLoader.Open(lease, ["x"], options);
        whole.Seek(new(1, 0));
        Assert.Equal(Values(whole), seen);
        Assert.Equal(new TorchDataLoaderPosition(2, 0), resumed.Position);

        Assert.Equal(2, loader.First().Epoch);
        whole.Seek(new(3, 13));
        Assert.Empty(whole);
        Assert.Equal(new TorchDataLoaderPosition(4, 0), whole.Position);
        whole.Seek(new(3, 14));
        Assert.Equal(ErrorCodes.Invalid, Assert.Throws<GristmillException>(() => whole.First()).Code);
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    [InlineData(false, true)]
    public void Workers_share_the_rows_in_as_many_batches_each(bool shuffle, bool dropLast)
    {
        using var lease = Numbers(101, parts: 2);
        var counts = new List<int>();
        var rows = new List<float>();
        for (var rank = 0; rank < 3; rank++)
        {
            using var loader = TorchDataLoader.Open(lease, ["x"], new() { BatchSize = 8, Shuffle = shuffle, DropLast = dropLast, Rank = rank, WorldSize = 3 });
            counts.Add(loader.Select(b => b.Index).Max() + 1);
            Assert.Equal(loader.Length, counts[^1]);
            loader.Seek(default);
            rows.AddRange(Values(loader));
        }

        Assert.Single(counts.Distinct());
        Assert.Equal(dropLast ? 96 : 102, rows.Count);
        Assert.Equal(dropLast ? 96 : 101, rows.Distinct().Count());
    }

    [Fact]
    public void More_workers_than_rows_all_get_one()
    {
        using var lease = Numbers(2);
        for (var rank = 0; rank < 5; rank++)
        {
            using var loader = TorchDataLoader.Open(lease, ["x"], new() { Rank = rank, WorldSize = 5 });
            Assert.Equal([(float)(rank % 2)], Values(loader));
        }
    }

    [Fact]
    public async Task It_is_read_asynchronously_too()
    {
        using var lease = Numbers(100);
        using var loader = TorchDataLoader.Open(lease, ["x"], new() { BatchSize = 8, Shuffle = true, Prefetch = 2 });
        var seen = new List<float>();
        await foreach (var batch in loader.ReadAsync(TestContext.Current.CancellationToken))
        {
            seen.AddRange(batch["x"].data<float>());
        }

        loader.Seek(default);
        Assert.Equal(Values(loader), seen);
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(3, false)]
    [InlineData(0, true)]
    [InlineData(3, true)]
    public async Task A_loop_that_is_broken_off_leaves_nothing(int prefetch, bool asynchronous)
    {
        var blocks = ForeignTensors.LiveBlocks;
        using (var lease = Numbers(100))
        {
            using var loader = TorchDataLoader.Open(lease, options: new() { BatchSize = 8, Shuffle = true, Prefetch = prefetch });
            var open = ForeignTensors.LiveBlocks;
            if (asynchronous)
            {
                await foreach (var batch in loader.ReadAsync(TestContext.Current.CancellationToken))
                {
                    break;
                }
            }
            else
            {
                foreach (var batch in loader)
                {
                    break;
                }
            }

            Assert.Equal(open, ForeignTensors.LiveBlocks);
        }

        Assert.Equal(blocks, ForeignTensors.LiveBlocks);
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(3, false)]
    [InlineData(0, true)]
    [InlineData(3, true)]
    public async Task Cancelling_comes_out_at_the_loop(int prefetch, bool asynchronous)
    {
        using var lease = Numbers(100);
        using var loader = TorchDataLoader.Open(lease, ["x"], new() { BatchSize = 8, Shuffle = true, Prefetch = prefetch });
        using var stop = new CancellationTokenSource();
        var batches = 0;
        var error = await Assert.ThrowsAsync<OperationCanceledException>(async () =>
        {
            if (asynchronous)
            {
                await foreach (var batch in loader.ReadAsync(stop.Token))
                {
                    batches++;
                    await stop.CancelAsync();
                }
            }
            else
            {
                foreach (var batch in loader.Read(stop.Token))
                {
                    batches++;
                    await stop.CancelAsync();
                }
            }
        });

        Assert.Equal(stop.Token, error.CancellationToken);
        Assert.Equal(1, batches);
        Assert.Equal(1, loader.First().Epoch);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void An_error_comes_out_behind_the_batches_before_it(int prefetch)
    {
        using var data = torch.arange(100);
        using var loader = TorchDataLoader.Of([data]);
        var batches = 0;

        var error = Assert.Throws<GristmillException>(() =>
        {
            using var loop = new BatchLoop(loader, Make, batches: 10, default, prefetch, TestContext.Current.CancellationToken);
            while (loop.MoveNext())
            {
                batches++;
            }
        });

        Assert.Equal("no more", error.Message);
        Assert.Equal(3, batches);
        Assert.Equal(new TorchDataLoaderPosition(0, 3), loader.Position);

        TorchBatch Make(int index) => index == 3 ? throw new GristmillException(ErrorCodes.StageFailed, "no more") : new TorchBatch(0, index, ["x"], [torch.zeros(1)]);
    }

    [Fact]
    public void Never_are_more_batches_ready_than_were_asked_for()
    {
        using var data = torch.arange(100);
        using var loader = TorchDataLoader.Of([data]);
        var (made, taken, most) = (0, 0, 0);
        using var loop = new BatchLoop(loader, Make, batches: 50, default, prefetch: 3, TestContext.Current.CancellationToken);
        while (loop.MoveNext())
        {
            Interlocked.Increment(ref taken);
        }

        Assert.Equal((50, 50), (made, taken));
        Assert.InRange(most, 1, 4);

        // One may have been read out of the queue whose loop has not come to say so yet.
        TorchBatch Make(int index)
        {
            most = Math.Max(most, Interlocked.Increment(ref made) - Volatile.Read(ref taken));
            return new TorchBatch(0, index, ["x"], [torch.zeros(1)]);
        }
    }

    [Fact]
    public void A_sampler_says_which_rows_come()
    {
        using var lease = Numbers(10);
        var epochs = new List<int>();
        using var loader = TorchDataLoader.Open(lease, ["x"], new() { BatchSize = 16, Prefetch = 1, Sampler = Sample });

        Assert.Equal(Enumerable.Repeat(3f, 20), Values(loader));
        Assert.Equal(Enumerable.Repeat(4f, 20), Values(loader));
        Assert.Equal([0, 1], epochs);

        torch.Tensor Sample(int epoch)
        {
            epochs.Add(epoch);
            return torch.tensor(Enumerable.Repeat(3L + epoch, 20).ToArray());
        }
    }

    [Fact]
    public void What_a_sampler_gives_is_checked()
    {
        using var data = torch.arange(10);
        Assert.Equal(ErrorCodes.BadValue, Error(() => torch.tensor(new[] { 0L, 10 })));
        Assert.Equal(ErrorCodes.BadValue, Error(() => torch.tensor(new[] { 0L, -1 })));
        Assert.Equal(ErrorCodes.TypeMismatch, Error(() => torch.tensor(new[] { 0f })));
        Assert.Equal(ErrorCodes.TypeMismatch, Error(() => torch.tensor(0L)));

        string Error(Func<torch.Tensor> sample)
        {
            using var loader = TorchDataLoader.Of([data], new() { Sampler = _ => sample() });
            return Assert.Throws<GristmillException>(() => loader.First()).Code;
        }
    }

    [Fact]
    public void Wrong_options_are_named_all_at_once()
    {
        using var lease = Numbers(10);
        var wrong = new TorchDataLoaderOptions { BatchSize = 0, Prefetch = 65, WorldSize = 2, Rank = 2, Shuffle = true, Sampler = _ => torch.arange(1) };
        var error = Assert.Throws<GristmillException>(() => TorchDataLoader.Open(lease, options: wrong));
        Assert.Equal(ErrorCodes.Invalid, error.Code);
        Assert.All(["BatchSize is 0", "Prefetch is 65", "Rank is 2", "Sampler"], part => Assert.Contains(part, error.Message));
        Assert.Contains("WorldSize is 0", Assert.Throws<GristmillException>(() => TorchDataLoader.Open(lease, options: new() { WorldSize = 0 })).Message);
        Assert.Equal(ErrorCodes.Invalid, Assert.Throws<GristmillException>(() => TorchDataLoader.Open(lease, [])).Code);
    }

    [Fact]
    public void Columns_that_are_missing_or_have_nulls_are_refused_and_leave_nothing()
    {
        var blocks = ForeignTensors.LiveBlocks;
        using var lease = Sealed([("x", new FloatArray.Builder().Append(1).Append(2).Build()), ("n", new FloatArray.Builder().Append(1).AppendNull().Build())]);
        Assert.Equal(ErrorCodes.UnknownColumn, Assert.Throws<GristmillException>(() => TorchDataLoader.Open(lease, ["x", "y"])).Code);
        Assert.Equal(ErrorCodes.BadValue, Assert.Throws<GristmillException>(() => TorchDataLoader.Open(lease, ["x", "n"])).Code);
        Assert.Equal(blocks, ForeignTensors.LiveBlocks);

        using var loader = TorchDataLoader.Open(lease, ["n"], new() { Nulls = NullHandling.NotANumber });
        foreach (var batch in loader)
        {
            Assert.Equal([1, float.NaN], batch["n"].data<float>().ToArray());
            Assert.Contains("'n'", Assert.Throws<GristmillException>(() => batch["x"]).Message);
        }
    }

    [Fact]
    public void An_empty_table_has_no_batches()
    {
        using var writer = _temp.Objects.Create(new Schema([new Field("x", FloatType.Default, false)], null));
        using var lease = _temp.Objects.Get(writer.Seal());
        using var loader = TorchDataLoader.Open(lease, options: new() { Shuffle = true, Prefetch = 1 });
        Assert.Empty(loader);
        Assert.Equal((0, 0), (loader.Length, loader.Rows));
        Assert.Equal(new TorchDataLoaderPosition(1, 0), loader.Position);
    }

    [Fact]
    public void Tensors_that_do_not_go_together_are_refused()
    {
        using var ten = torch.arange(10);
        using var nine = torch.arange(9);
        using var one = torch.tensor(1);
        Assert.Contains("tensor 1 is [9]", Assert.Throws<GristmillException>(() => TorchDataLoader.Of([ten, nine])).Message);
        Assert.Equal(ErrorCodes.Invalid, Assert.Throws<GristmillException>(() => TorchDataLoader.Of([one])).Code);
        Assert.Equal(ErrorCodes.Invalid, Assert.Throws<GristmillException>(() => TorchDataLoader.Of([])).Code);
    }

    [Fact]
    public void Tensors_are_shared_whatever_their_layout_and_get_no_gradient()
    {
        using var matrix = torch.arange(6, dtype: torch.ScalarType.Float32).reshape(2, 3).requires_grad_();
        using var transposed = matrix.t();
        using var loader = TorchDataLoader.Of([transposed], new() { BatchSize = 2 });
        var rows = new List<float>();
        foreach (var batch in loader)
        {
            Assert.False(batch["0"].requires_grad);
            rows.AddRange(batch["0"].data<float>());
        }

        Assert.Equal([0, 3, 1, 4, 2, 5], rows);
    }

    [Fact]
    public void One_loop_at_a_time_and_none_after_the_end()
    {
        using var lease = Numbers(10);
        var loader = TorchDataLoader.Open(lease, ["x"], new() { BatchSize = 4, Shuffle = true, Prefetch = 2 });
        using var loop = loader.GetEnumerator();
        Assert.True(loop.MoveNext());
        Assert.Throws<InvalidOperationException>(() => loader.First());
        Assert.Throws<InvalidOperationException>(() => loader.Seek(default));

        loader.Dispose();

        Assert.Throws<ObjectDisposedException>(() => loop.MoveNext());
        Assert.Throws<ObjectDisposedException>(() => loader.First());
        loader.Dispose();
    }

    [Fact]
    public void Without_CUDA_nothing_is_pinned_and_its_devices_are_refused()
    {
        Assert.SkipWhen(torch.cuda.is_available(), "There is a CUDA device.");
        using var lease = Numbers(10);
        foreach (var device in new[] { "cuda", "cuda:1", "abacus", "cpu:x" })
        {
            var error = Assert.Throws<GristmillException>(() => TorchDataLoader.Open(lease, options: new() { Device = device }));
            Assert.Equal(ErrorCodes.Invalid, error.Code);
            Assert.Contains($"'{device}'", error.Message);
        }

        using var loader = TorchDataLoader.Open(lease, ["x"], new() { Device = "cpu", PinMemory = true });
        foreach (var batch in loader)
        {
            Assert.True(ArrowTensors.IsReadOnly(batch["x"]));
        }
    }

    [Fact]
    public void Batches_go_to_another_device()
    {
        using var lease = Numbers(10);
        using var loader = TorchDataLoader.Open(lease, ["x"], new() { BatchSize = 4, Prefetch = 1, Device = "meta" });
        foreach (var batch in loader)
        {
            Assert.Equal(DeviceType.META, batch["x"].device_type);
            Assert.Equal([batch.Rows], batch["x"].shape);
        }
    }

    [Fact]
    public void The_lease_lives_as_long_as_the_loader_and_its_tensors()
    {
        var lease = Numbers(10);
        var loader = TorchDataLoader.Open(lease, ["x"], new() { BatchSize = 4 });
        lease.Dispose();
        torch.Tensor? kept = null;
        foreach (var batch in loader)
        {
            kept ??= batch["x"].alias();
        }

        loader.Dispose();
        Assert.Equal(1, _temp.Objects.LiveLeases);
        Assert.Equal([0f, 1, 2, 3], kept!.data<float>().ToArray());
        kept.Dispose();
    }

    private static List<float> Values(TorchDataLoader loader) => [.. loader.SelectMany(b => b["x"].data<float>().ToArray())];

    // x is the row's number, m [x, -x], i the number as an integer.
    private ObjectLease Numbers(int rows, int parts = 1)
    {
        var type = new FixedSizeListType(new Field("item", FloatType.Default, false), 2);
        var schema = new Schema([new Field("x", FloatType.Default, false), new Field("m", type, false), new Field("i", Int64Type.Default, false)], null);
        using var writer = _temp.Objects.Create(schema);
        for (var part = 0; part < parts; part++)
        {
            var numbers = Enumerable.Range(rows * part / parts, (rows * (part + 1) / parts) - (rows * part / parts)).ToArray();
            var pairs = new FloatArray.Builder().AppendRange(numbers.SelectMany(n => new[] { (float)n, -n })).Build();
            writer.Append(new RecordBatch(schema,
            [
                new FloatArray.Builder().AppendRange(numbers.Select(n => (float)n)).Build(),
                new FixedSizeListArray(type, numbers.Length, pairs, ArrowBuffer.Empty, 0, 0),
                new Int64Array.Builder().AppendRange(numbers.Select(n => (long)n)).Build(),
            ], numbers.Length));
        }

        return _temp.Objects.Get(writer.Seal());
    }

    private ObjectLease Sealed((string Name, IArrowArray Array)[] columns)
    {
        var schema = new Schema([.. columns.Select(c => new Field(c.Name, c.Array.Data.DataType, c.Array.NullCount > 0))], null);
        using var writer = _temp.Objects.Create(schema);
        writer.Append(new RecordBatch(schema, columns.Select(c => c.Array), columns[0].Array.Length));
        return _temp.Objects.Get(writer.Seal());
    }
}
