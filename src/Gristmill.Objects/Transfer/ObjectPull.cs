using System.Net;
using System.Net.Sockets;
using System.Runtime.ExceptionServices;

namespace Gristmill.Objects.Transfer;

/// <summary>Reads an object from another host over several connections at once, each asking for the next piece that nobody has asked for.</summary>
internal sealed class ObjectPull(ObjectStore store, string id, IObjectSources sources)
{
    private const int MostConnections = 4;

    /// <summary>Below it a second connection takes longer to open than to use.</summary>
    private const long BytesPerConnection = 8L << 20;

    /// <summary>A host that sends nothing for so long is lost.</summary>
    private static readonly TimeSpan s_silence = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan s_connectTime = TimeSpan.FromSeconds(5);

    /// <summary>Reads it from one host after the other until it is whole, going on where the last was lost.</summary>
    /// <exception cref="GristmillException">
    /// <see cref="ErrorCodes.ObjectNotFound"/>: no host has it. <see cref="ErrorCodes.StoreFull"/>: no room for it here. <see cref="ErrorCodes.Corrupt"/>: what
    /// hosts sent is not what was sealed, and none is left. <see cref="ErrorCodes.ObjectUnreachable"/>: the hosts that have it were lost, and none is left.
    /// </exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        Replica? replica = null;
        Exception? last = null;
        try
        {
            while (await sources.NextAsync(cancellationToken).ConfigureAwait(false) is { } offer)
            {
                last = null;
                try
                {
                    if (replica?.Of(offer) != true)
                    {
                        replica?.Dispose();
                        replica = await Task.Run(() => new Replica(store.NewReplica(id, offer.Ref.Bytes), offer), cancellationToken).ConfigureAwait(false);
                    }

                    await ReadAsync(offer, replica, cancellationToken).ConfigureAwait(false);
                    replica.Seal(() => store.Contains(id));
                    CopyCounter.Add("pull", offer.Ref.Bytes);
                    return;
                }
                catch (Exception e) when (IsOfHost(e, cancellationToken))
                {
                    last = e;
                    if (e is GristmillException)
                    {
                        replica?.Dispose(); // nothing of it is to be believed
                        replica = null;
                    }
                }
                catch (Exception e)
                {
                    last = e;
                    throw;
                }
                finally
                {
                    await sources.ReleaseAsync(last).ConfigureAwait(false);
                }
            }
        }
        finally
        {
            replica?.Dispose();
        }

        throw last switch
        {
            null => ObjectStore.NotFound(id),
            GristmillException e => e,
            _ => new GristmillException(ErrorCodes.ObjectUnreachable, $"Object {id} could not be read from any host that has it: {last.Message}",
                "See whether silos can reach each other, or run its stage again.", last).With("object", id),
        };
    }

    /// <summary>Whether another host may do better.</summary>
    private static bool IsOfHost(Exception e, CancellationToken cancellationToken) =>
        e is SocketException or EndOfStreamException or TimeoutException
        || e is GristmillException { Code: ErrorCodes.Corrupt }
        || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested);

    private static async Task ReadAsync(ObjectOffer offer, Replica replica, CancellationToken cancellationToken)
    {
        replica.Begin();
        var pieces = new Pieces(replica.Done, offer.Ref.Bytes);
        int connections = (int)Math.Clamp((offer.Ref.Bytes - replica.Done) / BytesPerConnection, 1, Math.Clamp(Environment.ProcessorCount, 2, MostConnections));
        using var attempt = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Exception? first = null;
        using (attempt.Token.Register(replica.GiveUp))
        {
            await Task.WhenAll(Enumerable.Range(0, connections).Select(_ => Task.Factory.StartNew(() =>
            {
                try
                {
                    ReadPieces(offer, replica, pieces, attempt.Token);
                }
                catch (Exception e)
                {
                    // The others wait for what this one has asked for: none of them can go on.
                    Interlocked.CompareExchange(ref first, e, null);
                    attempt.Cancel();
                }
            }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))).ConfigureAwait(false);
        }

        cancellationToken.ThrowIfCancellationRequested();
        if (first is not null)
        {
            ExceptionDispatchInfo.Throw(first);
        }
    }

    private static void ReadPieces(ObjectOffer offer, Replica replica, Pieces pieces, CancellationToken cancellationToken)
    {
        if (pieces.Take() is not { } current)
        {
            return;
        }

        var address = IPAddress.Parse(offer.Address);
        using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using var cancelling = cancellationToken.Register(static socket => ((Socket)socket!).Dispose(), socket);
        try
        {
            Connect(socket, address, offer);
            byte[] buffer = GC.AllocateUninitializedArray<byte>(TransferProtocol.Piece);
            Ask(socket, current);
            for ((long Position, int Length)? next = current; next is not null;)
            {
                current = next.Value;
                next = pieces.Take();
                if (next is { } ahead)
                {
                    Ask(socket, ahead); // it comes while this one is written and hashed
                }

                var piece = buffer.AsSpan(0, current.Length);
                Receive(socket, piece, offer);
                replica.Write(current.Position, piece);
            }
        }
        catch (ObjectDisposedException)
        {
            throw new OperationCanceledException(cancellationToken);
        }
    }

    private static void Connect(Socket socket, IPAddress address, ObjectOffer offer)
    {
        using (var late = new CancellationTokenSource(s_connectTime))
        using (late.Token.Register(static socket => ((Socket)socket!).Dispose(), socket))
        {
            try
            {
                socket.Connect(address, offer.Port);
            }
            catch (Exception e) when (late.IsCancellationRequested && e is SocketException or ObjectDisposedException)
            {
                throw new TimeoutException($"The object server at {offer.Address}:{offer.Port} does not answer.", e);
            }
        }

        socket.ReceiveTimeout = (int)s_silence.TotalMilliseconds;
        socket.Send(TransferProtocol.Hello(offer.Ticket));
        Span<byte> answer = stackalloc byte[1];
        Receive(socket, answer, offer);
        if (answer[0] != 1)
        {
            throw new EndOfStreamException($"The object server at {offer.Address}:{offer.Port} does not know the ticket any more.");
        }
    }

    private static void Ask(Socket socket, (long Position, int Length) piece)
    {
        Span<byte> range = stackalloc byte[TransferProtocol.RangeBytes];
        TransferProtocol.WriteRange(range, piece.Position, piece.Length);
        socket.Send(range);
    }

    private static void Receive(Socket socket, Span<byte> buffer, ObjectOffer offer)
    {
        try
        {
            if (!SocketBytes.Fill(socket, buffer))
            {
                throw new EndOfStreamException($"The object server at {offer.Address}:{offer.Port} hung up.");
            }
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
        {
            throw new TimeoutException($"The object server at {offer.Address}:{offer.Port} has sent nothing for {s_silence.TotalSeconds:0} seconds.", e);
        }
    }

    /// <summary>What nobody has asked for yet, in order.</summary>
    private sealed class Pieces(long start, long end)
    {
        private long _next = start;

        public (long Position, int Length)? Take()
        {
            long position = Interlocked.Add(ref _next, TransferProtocol.Piece) - TransferProtocol.Piece;
            return position < end ? (position, (int)Math.Min(TransferProtocol.Piece, end - position)) : null;
        }
    }
}
