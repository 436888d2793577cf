using Gristmill.Objects;
using Microsoft.Extensions.Time.Testing;

namespace Gristmill.Worker.Tests;

public sealed class StageTrackerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gm-track-").FullName;
    private readonly Frames _frames = new();
    private readonly StageTracker _tracker;

    public StageTrackerTests() => _tracker = new StageTracker(new ContentStore(_folder), _frames, TimeProvider.System);

    public void Dispose()
    {
        _tracker.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_point_allocates_nothing_once_its_metric_is_known()
    {
        _frames.Answer = _tracker.Durable;
        _tracker.Metric("loss", 1);
        await _tracker.FlushAsync(TestContext.Current.CancellationToken);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            _tracker.Metric("loss", i);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public async Task Memory_is_bounded_and_callers_wait_for_the_store()
    {
        var logged = 0;
        var logging = Task.Run(() =>
        {
            for (; logged < 1_000_000; logged++)
            {
                _tracker.Metric("loss", logged);
            }
        }, TestContext.Current.CancellationToken);

        // Nothing is answered: the window and the buffer fill up, and there it stays.
        await _frames.ReachesAsync(8 << 20);
        while (true)
        {
            var (count, bytes) = (Volatile.Read(ref logged), _frames.Bytes);
            await Task.WhenAny(logging, Task.Delay(200, TestContext.Current.CancellationToken));
            if (Volatile.Read(ref logged) == count && _frames.Bytes == bytes)
            {
                break;
            }
        }

        Assert.False(logging.IsCompleted);
        Assert.InRange(_frames.Bytes, 8 << 20, 10 << 20);

        _frames.Answer = _tracker.Durable;
        _tracker.Durable(_frames.Last);
        await logging;
        await _tracker.FlushAsync(TestContext.Current.CancellationToken);
        Assert.Equal(Enumerable.Range(0, 1_000_000).Select(static i => (double)i), _frames.Read().SelectMany(static b => b.Metrics).SelectMany(static m => m.Points.ToArray()).Select(static p => p.Value));
    }

    [Fact]
    public async Task What_had_to_wait_goes_out_when_there_is_room_also_if_nobody_flushes()
    {
        var time = new FakeTimeProvider();
        var frames = new Frames();
        using var tracker = new StageTracker(new ContentStore(_folder), frames, time);
        // More than may be under way, and less than that and the buffer.
        for (var i = 0; i < (8 << 20) / TrackFrame.PointBytes + 10_000; i++)
        {
            tracker.Metric("loss", i);
        }

        await frames.ReachesAsync(8 << 20);
        tracker.Metric("last", 1);
        time.Advance(TimeSpan.FromSeconds(1));
        tracker.Durable(frames.Last);

        await frames.HoldsAsync(batch => batch.Metrics.Any(static block => block.Name == "last"));
    }

    [Fact]
    public async Task A_flush_waits_for_what_was_logged_before_it_alone()
    {
        _tracker.Metric("loss", 1);
        var first = _tracker.FlushAsync(TestContext.Current.CancellationToken);
        _tracker.Metric("loss", 2);
        var second = _tracker.FlushAsync(TestContext.Current.CancellationToken);
        Assert.False(first.IsCompleted);

        _tracker.Durable(1);
        await first;
        Assert.False(second.IsCompleted);

        _tracker.Durable(2);
        await second;
        Assert.True(_tracker.FlushAsync(TestContext.Current.CancellationToken).IsCompletedSuccessfully);
    }

    [Fact]
    public async Task A_refusal_ends_all_waiting_and_all_later_calls()
    {
        _tracker.Metric("loss", 1);
        var flush = _tracker.FlushAsync(TestContext.Current.CancellationToken);
        _tracker.Fail(new ErrorInfo(ErrorCodes.StoreFull, "no room"));

        foreach (var call in new Func<Task>[] { () => flush, () => _tracker.FlushAsync(), () => Task.Run(() => _tracker.Metric("loss", 2)), () => Task.Run(() => _tracker.Tag("a", "b")) })
        {
            Assert.Equal(ErrorCodes.StoreFull, (await Assert.ThrowsAsync<GristmillException>(call)).Code);
        }
    }

    [Fact]
    public void A_step_that_is_not_given_follows_the_one_before()
    {
        _tracker.Metric("a", 1);
        _tracker.Metric("b", 1);
        _tracker.Metric("a", 2);
        _tracker.Metric("a", 3, 10);
        _tracker.Metric("a", 4);
        _tracker.Metric("a", 5, long.MaxValue);
        _tracker.Metric("a", 6);
        _ = _tracker.FlushAsync(TestContext.Current.CancellationToken);

        Assert.Equal([0, 1, 10, 11, long.MaxValue, long.MaxValue], Assert.Single(_frames.Read()).Metrics[0].Points.ToArray().Select(static p => p.Step));
    }

    [Theory]
    [InlineData("")]
    [InlineData(null)]
    [InlineData("../x")]
    [InlineData("/x")]
    [InlineData("x//y")]
    [InlineData("x/./y")]
    [InlineData("a\nb")]
    [InlineData("a\0b")]
    [InlineData("a\"b")]
    [InlineData("'; drop table run; --")]
    [InlineData("\u202eevil")]
    [InlineData("\ud83d")]
    public void Hostile_names_are_refused_and_cost_nothing(string? name)
    {
        foreach (var call in new Action[] { () => _tracker.Metric(name!, 1), () => _tracker.Tag(name!, "x"), () => _tracker.Param(name!, "x"), () => _tracker.Figure(name!, "<svg/>") })
        {
            Assert.Equal(ErrorCodes.Invalid, Assert.Throws<GristmillException>(call).Code);
        }

        Assert.Equal(0, _frames.Bytes);
        Assert.True(_tracker.FlushAsync(TestContext.Current.CancellationToken).IsCompletedSuccessfully);
    }

    [Fact]
    public void Limits_are_told()
    {
        Assert.Contains("250", Assert.Throws<GristmillException>(() => _tracker.Metric(new string('x', 251), 1)).Message, StringComparison.Ordinal);
        Assert.Contains("6000", Assert.Throws<GristmillException>(() => _tracker.Param("p", new string('x', 6001))).Message, StringComparison.Ordinal);
        _frames.Answer = _tracker.Durable;
        for (var i = 0; i < TrackRules.MaxMetrics; i++)
        {
            _tracker.Metric($"m{i}", i);
        }

        Assert.Contains("10000", Assert.Throws<GristmillException>(() => _tracker.Metric("more", 1)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Broken_frames_are_refused_whatever_is_in_them()
    {
        _tracker.Metric("loss", 1);
        _tracker.Param("p", "v");
        _tracker.Tag("t", "v");
        _tracker.Figure("f", "<svg/>");
        _ = _tracker.FlushAsync(TestContext.Current.CancellationToken);
        var whole = _frames.Raw().Single();
        var random = new Random(7);
        for (var i = 0; i < 20_000; i++)
        {
            var broken = whole.AsSpan(0, i % 2 == 0 ? random.Next(whole.Length) : whole.Length).ToArray();
            for (var flips = random.Next(4); flips > 0 && broken.Length > 0; flips--)
            {
                broken[random.Next(broken.Length)] = (byte)random.Next(256);
            }

            try
            {
                var batch = new TrackDecoder(Mill.NoOp()).Read(broken);
                Assert.All(batch.Metrics, static block => Assert.True(TrackRules.IsName(block.Name)));
            }
            catch (InvalidDataException)
            {
                // The only error there is.
            }
        }
    }

    private sealed class Frames : ITrackTransport
    {
        private readonly Lock _gate = new();
        private readonly List<byte[]> _frames = [];
        private TaskCompletionSource _arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Action<long>? Answer { get; set; }

        public long Bytes { get; private set; }

        public long Last { get; private set; }

        public void Send(long sequence, ReadOnlySpan<byte> frame)
        {
            lock (_gate)
            {
                _frames.Add(frame.ToArray());
                Bytes += frame.Length;
                Last = sequence;
                _arrived.TrySetResult();
                _arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            Answer?.Invoke(sequence);
        }

        public List<byte[]> Raw() => _frames;

        public List<TrackBatch> Read()
        {
            var decoder = new TrackDecoder(Mill.NoOp());
            return [.. _frames.Select(frame => decoder.Read(frame))];
        }

        public Task HoldsAsync(Func<TrackBatch, bool> condition) => UntilAsync(() => Read().Any(condition));

        public Task ReachesAsync(long bytes) => UntilAsync(() => Bytes >= bytes);

        private async Task UntilAsync(Func<bool> holds)
        {
            while (true)
            {
                Task arrived;
                lock (_gate)
                {
                    if (holds())
                    {
                        return;
                    }

                    arrived = _arrived.Task;
                }

                await arrived;
            }
        }
    }
}
