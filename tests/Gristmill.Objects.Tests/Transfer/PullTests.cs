using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Objects.Transfer;

public sealed class PullTests : IAsyncDisposable
{
    private const int Large = 24 << 20;
    private static readonly Schema s_schema = new([new Field("x", Int64Type.Default, false)], null);
    private readonly TestStore _there = new(smallObjectBytes: 64 << 10);
    private readonly TestStore _here = new(smallObjectBytes: 64 << 10);
    private readonly ObjectServer _server;

    public PullTests() => _server = new ObjectServer(_there.Store, new IPEndPoint(IPAddress.Loopback, 0));

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _here.Dispose();
        _there.Dispose();
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(10)]
    [InlineData(200_000)]
    [InlineData(Large / 8)]
    public async Task An_object_comes_as_it_was_sealed(int rows)
    {
        var reference = Write(_there.Store, rows, 7);
        var sources = new Sources(() => _server.Offer(reference.Id));
        await _here.Store.PullAsync(reference.Id, sources, Token);

        using var lease = _here.Store.Get(reference);
        lease.Verify();
        Assert.Equal(reference, lease.Ref);
        Assert.Equal(7 + rows - 1, ((Int64Array)lease.Batches[^1].Column(0)).Values[^1]);
        Assert.Equal([null], sources.Released);
        Assert.Empty(_here.Store.Scan().Skipped);

        // It is here: nobody is asked again.
        await _here.Store.PullAsync(reference.Id, new Sources(), Token);
        Assert.True(_here.Store.Delete(reference.Id));
        Assert.False(_here.Store.Contains(reference.Id));
    }

    [Fact]
    public async Task It_comes_once_however_many_ask_and_from_whichever_process()
    {
        var reference = Write(_there.Store, Large / 8, 1);
        using var other = _here.Open(); // as another process has it
        var sources = new Sources([.. Enumerable.Repeat(() => _server.Offer(reference.Id), 16)]);
        await Task.WhenAll(Enumerable.Range(0, 16).Select(i => (i % 2 == 0 ? _here.Store : other).PullAsync(reference.Id, sources, Token)));
        Assert.Equal([null], sources.Released);
        Assert.Single(_here.Files());
    }

    [Fact]
    public async Task A_host_that_is_lost_is_replaced_and_what_came_does_not_come_again()
    {
        var reference = Write(_there.Store, Large / 8, 3);
        await using var first = new CuttingProxy(_server.Port, cutAfter: Large * 2L / 3);
        await using var second = new CuttingProxy(_server.Port);
        var sources = new Sources(
            () => null!, // a host that says it has it no more
            () => _server.Offer(reference.Id)! with { Port = first.Port },
            () => _server.Offer(reference.Id)! with { Port = Unused() },
            () => _server.Offer(reference.Id)! with { Port = second.Port, Ref = reference with { Host = "another" } });
        await _here.Store.PullAsync(reference.Id, sources, Token);

        using var lease = _here.Store.Get(reference);
        lease.Verify();
        Assert.Equal(3, sources.Released.Count);
        Assert.IsNotType<GristmillException>(sources.Released[0]);
        Assert.IsAssignableFrom<SocketException>(sources.Released[1]);
        Assert.Null(sources.Released[2]);
        Assert.InRange(second.Passed, 1, Large * 3L / 4);
    }

    [Fact]
    public async Task All_hosts_lost_is_an_error_and_leaves_nothing()
    {
        var reference = Write(_there.Store, Large / 8, 3);
        await using var first = new CuttingProxy(_server.Port, cutAfter: Large / 2);
        var lost = await Assert.ThrowsAsync<GristmillException>(() => _here.Store.PullAsync(reference.Id, new Sources(() => _server.Offer(reference.Id)! with { Port = first.Port }), Token));
        Assert.Equal((ErrorCodes.ObjectUnreachable, reference.Id), (lost.Code, lost.Error.Details["object"]));
        var missing = await Assert.ThrowsAsync<GristmillException>(() => _here.Store.PullAsync(reference.Id, new Sources(), Token));
        Assert.Equal(ErrorCodes.ObjectNotFound, missing.Code);
        Assert.Equal(ErrorCodes.ObjectNotFound, (await Assert.ThrowsAsync<GristmillException>(() => _here.Store.PullAsync("../" + new string('a', 29), new Sources(), Token))).Code);
        Assert.Empty(_here.Files());
    }

    [Theory]
    [InlineData(Large / 8, Large / 3)]
    [InlineData(200_000, 1_000)] // over one connection: the byte behind the answer and as many of the object
    [InlineData(200_000, -40)] // of the footer, which the checksum that it was sealed with is not of
    public async Task What_is_damaged_on_the_way_is_not_taken(int rows, long at)
    {
        var reference = Write(_there.Store, rows, 3);
        at = at < 0 ? 1 + reference.Bytes + at : at;
        await using var first = new CuttingProxy(_server.Port, damageAt: at);
        await using var again = new CuttingProxy(_server.Port, damageAt: at);
        var damaged = await Assert.ThrowsAsync<GristmillException>(() => _here.Store.PullAsync(reference.Id, new Sources(() => _server.Offer(reference.Id)! with { Port = first.Port }), Token));
        Assert.Equal((ErrorCodes.Corrupt, reference.Id), (damaged.Code, damaged.Error.Details["object"]));
        Assert.Empty(_here.Files());

        var sources = new Sources(() => _server.Offer(reference.Id)! with { Port = again.Port }, () => _server.Offer(reference.Id));
        await _here.Store.PullAsync(reference.Id, sources, Token);
        Assert.Equal(ErrorCodes.Corrupt, Assert.IsType<GristmillException>(sources.Released[0]).Code);
        using var lease = _here.Store.Get(reference);
        lease.Verify();
    }

    [Fact]
    public async Task No_room_is_an_error_that_leaves_nothing()
    {
        var reference = Write(_there.Store, Large / 8, 3);
        using var tight = _here.Open(capacity: Large / 2);
        var sources = new Sources(() => _server.Offer(reference.Id), () => _server.Offer(reference.Id));
        var full = await Assert.ThrowsAsync<GristmillException>(() => tight.PullAsync(reference.Id, sources, Token));
        Assert.Equal(ErrorCodes.StoreFull, full.Code);
        Assert.Single(sources.Released); // another host would not help
        Assert.Empty(_here.Files());
    }

    [Fact]
    public async Task A_caller_that_gives_up_does_not_take_it_from_the_others()
    {
        var reference = Write(_there.Store, Large / 8, 3);
        var gate = new TaskCompletionSource();
        var sources = new Sources(() => _server.Offer(reference.Id)) { Before = token => gate.Task.WaitAsync(token) };
        using var impatient = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var (given, kept) = (_here.Store.PullAsync(reference.Id, sources, impatient.Token), _here.Store.PullAsync(reference.Id, sources, Token));
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => given);
        gate.SetResult();
        await kept;
        Assert.True(_here.Store.Contains(reference.Id));
    }

    [Fact]
    public async Task When_the_last_caller_gives_up_it_ends_and_leaves_nothing()
    {
        var reference = Write(_there.Store, Large / 8, 3);
        await using var slow = new CuttingProxy(_server.Port, cutAfter: Large / 2);
        var ended = new TaskCompletionSource();
        var sources = new Sources(() => _server.Offer(reference.Id)! with { Port = slow.Port }) { Before = _ => slow.Passed == 0 ? Task.CompletedTask : new TaskCompletionSource().Task.WaitAsync(_) };
        using var impatient = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var pulling = _here.Store.PullAsync(reference.Id, sources, impatient.Token);
        while (sources.Released.Count == 0)
        {
            await Task.Delay(5, Token);
        }

        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pulling);
        while (_here.Files().Length > 0)
        {
            await Task.Delay(5, Token);
        }

        // And can be asked for again.
        await _here.Store.PullAsync(reference.Id, new Sources(() => _server.Offer(reference.Id)), Token);
    }

    [Fact]
    public async Task An_object_that_is_deleted_while_it_is_read_is_read_to_its_end()
    {
        var reference = Write(_there.Store, Large / 8, 3);
        var offer = _server.Offer(reference.Id)!;
        Assert.True(_there.Store.Delete(reference.Id));
        Write(_there.Store, Large / 8, 9); // into the same memory, were it given up
        await _here.Store.PullAsync(reference.Id, new Sources(() => offer), Token);
        using var lease = _here.Store.Get(reference);
        lease.Verify();
        Assert.Null(_server.Offer(reference.Id));
    }

    [Fact]
    public async Task A_server_gives_nothing_without_a_ticket_and_survives_garbage()
    {
        var reference = Write(_there.Store, 200_000, 3);
        var offer = _server.Offer(reference.Id)!;
        Assert.Equal([0], await AskAsync(TransferProtocol.Hello(new string('0', 32)), 1));
        Assert.Equal([0], await AskAsync([.. "GET / HTTP/1.1\r\n\r\n  "u8], 1));
        byte[] range = new byte[TransferProtocol.RangeBytes];
        foreach (var (position, length) in ((long, int)[])[(-1, 10), (0, 0), (0, -5), (0, int.MaxValue), (reference.Bytes - 1, 2), (long.MaxValue, 1), (long.MinValue, 1)])
        {
            TransferProtocol.WriteRange(range, position, length);
            Assert.Equal([1], await AskAsync([.. TransferProtocol.Hello(offer.Ticket), .. range], 2));
        }

        TransferProtocol.WriteRange(range, 0, 6);
        Assert.Equal([1, .. "ARROW1"u8], await AskAsync([.. TransferProtocol.Hello(offer.Ticket), .. range], 7));
        await _here.Store.PullAsync(reference.Id, new Sources(() => offer), Token);
    }

    private async Task<byte[]> AskAsync(byte[] said, int most)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, _server.Port, Token);
        await socket.SendAsync(said, Token);
        byte[] answer = new byte[most];
        int at = 0;
        while (at < most && await socket.ReceiveAsync(answer.AsMemory(at), Token) is > 0 and var read)
        {
            at += read;
        }

        return answer[..at];
    }

    private static int Unused()
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    internal static ObjectRef Write(ObjectStore store, int rows, long first)
    {
        using var writer = store.Create(s_schema, rows * 8L);
        writer.BeginBatch();
        var memory = writer.Allocate(rows * 8);
        var values = MemoryMarshal.Cast<byte, long>(memory.Span);
        for (int i = 0; i < rows; i++)
        {
            values[i] = first + i;
        }

        writer.EndBatch(rows, [new Int64Array(new ArrowBuffer(memory), ArrowBuffer.Empty, rows, 0, 0)]);
        return writer.Seal();
    }

    /// <summary>Hosts as the cluster would name them; what is null has it no more.</summary>
    private sealed class Sources(params Func<ObjectOffer?>[] offers) : IObjectSources
    {
        private int _next = -1;

        public List<Exception?> Released { get; } = [];

        public Func<CancellationToken, Task>? Before { get; init; }

        public async Task<ObjectOffer?> NextAsync(CancellationToken cancellationToken)
        {
            await (Before?.Invoke(cancellationToken) ?? Task.CompletedTask);
            while (Interlocked.Increment(ref _next) is var next && next < offers.Length)
            {
                if (offers[next]() is { } offer)
                {
                    return offer;
                }
            }

            return null;
        }

        public Task ReleaseAsync(Exception? error)
        {
            Released.Add(error);
            return Task.CompletedTask;
        }
    }
}
