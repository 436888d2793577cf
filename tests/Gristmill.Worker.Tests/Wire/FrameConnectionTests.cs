using System.Buffers.Binary;
using System.Net.Sockets;

namespace Gristmill.Worker.Tests;

public sealed class FrameConnectionTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gm-wire-").FullName;
    private readonly Socket _left;
    private readonly Socket _right;

    public FrameConnectionTests()
    {
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        var address = new UnixDomainSocketEndPoint(Path.Combine(_folder, "s"));
        listener.Bind(address);
        listener.Listen();
        _left = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        _left.Connect(address);
        _right = listener.Accept();
    }

    public void Dispose()
    {
        _left.Dispose();
        _right.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Frames_arrive_whole_and_in_order_however_large()
    {
        using var sender = new FrameConnection(_left);
        using var receiver = new FrameConnection(_right);
        var random = new Random(7);
        var sizes = Enumerable.Range(0, 400).Select(at => at % 50 == 0 ? random.Next(60_000, 400_000) : random.Next(0, 300)).ToArray();
        var seen = new List<(long Id, int Size, bool Intact)>();
        var reading = Task.Run(() => receiver.Read((kind, id, payload) => seen.Add((id, payload.Length, payload.IndexOfAnyExcept((byte)id) < 0))));
        for (var at = 0; at < sizes.Length; at++)
        {
            var payload = new byte[sizes[at]];
            payload.AsSpan().Fill((byte)at);
            sender.Send(FrameKind.Progress, at, payload);
        }

        sender.Send(FrameKind.Ping, -1);
        while (sender.Waiting)
        {
            await Task.Yield();
        }

        _left.Shutdown(SocketShutdown.Send);
        await reading.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        Assert.Equal(sizes.Length + 1, seen.Count);
        Assert.All(seen.SkipLast(1), (frame, at) => Assert.Equal((at, sizes[at], true), frame));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(FrameConnection.MaxFrameBytes + 1)]
    [InlineData(int.MaxValue)]
    public void A_frame_of_an_impossible_length_ends_the_connection(int length)
    {
        using var receiver = new FrameConnection(_right);
        var bytes = new byte[64];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, length);
        _left.Send(bytes);
        Assert.Throws<InvalidDataException>(() => receiver.Read((_, _, _) => { }));
    }

    [Fact]
    public async Task Sending_to_who_does_not_read_does_not_block_and_all_arrives_when_it_does()
    {
        using var sender = new FrameConnection(_left);
        using var receiver = new FrameConnection(_right);
        var payload = new byte[100_000];
        for (var at = 0; at < 40; at++)
        {
            sender.Send(FrameKind.Progress, at, payload);
        }

        Assert.True(sender.Waiting && sender.Congested);
        var seen = new List<long>();
        receiver.Read((_, id, _) =>
        {
            seen.Add(id);
            if (id == 39)
            {
                _left.Shutdown(SocketShutdown.Send);
            }
        });
        Assert.Equal(Enumerable.Range(0, 40).Select(static at => (long)at), seen);
        while (sender.Waiting)
        {
            await Task.Yield();
        }
    }

    [Fact]
    public async Task What_is_being_sent_counts_as_congestion_until_it_is_read()
    {
        using var sender = new FrameConnection(_left);
        using var receiver = new FrameConnection(_right);
        sender.Send(FrameKind.Progress, 0, new byte[4 << 20]);
        Assert.True(sender.Waiting && sender.Congested);
        receiver.Read((_, _, _) => _left.Shutdown(SocketShutdown.Send));
        while (sender.Waiting)
        {
            await Task.Yield();
        }

        Assert.False(sender.Congested);
    }

    [Fact]
    public async Task Disposing_ends_the_reading_and_the_sending_of_others()
    {
        var sender = new FrameConnection(_left);
        var receiver = new FrameConnection(_right);
        var reading = Task.Run(() => Record.Exception(() => sender.Read((_, _, _) => { })));
        sender.Send(FrameKind.Progress, 0, new byte[4 << 20]);
        Assert.True(sender.Waiting);
        sender.Dispose();
        await reading.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        while (sender.Waiting)
        {
            await Task.Yield();
        }

        receiver.Dispose();
    }

    [Fact]
    public void A_request_above_the_limit_is_refused_before_it_is_sent()
    {
        using var sender = new FrameConnection(_left);
        var request = Mill.Request("big", "code.call", new string('x', FrameConnection.MaxFrameBytes));
        var error = Assert.Throws<GristmillException>(() => sender.Send(FrameKind.Execute, 1, request, WorkerJson.Default.StageRequest));
        Assert.Equal(ErrorCodes.Invalid, error.Code);
    }

    [Fact]
    public void Sending_after_the_other_side_has_gone_does_nothing()
    {
        using var sender = new FrameConnection(_left);
        _right.Dispose();
        for (var at = 0; at < 100; at++)
        {
            sender.Send(FrameKind.Ping, at);
        }

        Assert.False(sender.Congested);
    }
}
