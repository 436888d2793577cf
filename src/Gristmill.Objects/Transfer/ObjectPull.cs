using System.Net;
using System.Net.Sockets;

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
        replica.Restart();
        var pieces = new Pieces(replica.Done, offer.Ref.Bytes);
        using var attempt = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        int connections = (int)Math.Clamp((offer.Ref.Bytes - replica.Done) / BytesPerConnection, 1, Math.Min(MostConnections, Math.Max(2, Environment.ProcessorCount)));
        Exception? first = null;
        await Task.WhenAll(Enumerable.Range(0, connections).Select(_ => Task.Run(async () =>
        {
            try
            {
                await ReadPiecesAsync(offer, replica, pieces, attempt.Token).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                // The others wait for what this one has asked for: none of them can go on.
                Interlocked.CompareExchange(ref first, e, null);
                await attempt.CancelAsync().ConfigureAwait(false);
            }
        }, CancellationToken.None))).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        if (first is not null)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(first);
        }
    }

    private static async Task ReadPiecesAsync(ObjectOffer offer, Replica replica, Pieces pieces, CancellationToken cancellationToken)
    {
        if (pieces.Take() is not { } current)
        {
            return;
        }

        using var socket = await ConnectAsync(offer, cancellationToken).ConfigureAwait(false);
        byte[] buffer = GC.AllocateUninitializedArray<byte>(TransferProtocol.Piece);
        await AskAsync(socket, current, cancellationToken).ConfigureAwait(false);
        for ((long Position, int Length)? next = current; next is not null;)
        {
            current = next.Value;
            next = pieces.Take();
            if (next is { } ahead)
            {
                await AskAsync(socket, ahead, cancellationToken).ConfigureAwait(false); // sent while this one is written and hashed
            }

            await ReceiveAsync(socket, buffer.AsMemory(0, current.Length), offer, cancellationToken).ConfigureAwait(false);
            await replica.WriteAsync(current.Position, buffer.AsMemory(0, current.Length), cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task<Socket> ConnectAsync(ObjectOffer offer, CancellationToken cancellationToken)
    {
        var address = IPAddress.Parse(offer.Address);
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            using var late = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            late.CancelAfter(s_connectTime);
            await socket.ConnectAsync(address, offer.Port, late.Token).ConfigureAwait(false);
            await socket.SendAsync(TransferProtocol.Hello(offer.Ticket), cancellationToken).ConfigureAwait(false);
            byte[] answer = new byte[1];
            await ReceiveAsync(socket, answer, offer, cancellationToken).ConfigureAwait(false);
            return answer[0] == 1 ? socket : throw new EndOfStreamException($"The object server at {offer.Address}:{offer.Port} does not know the ticket any more.");
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task AskAsync(Socket socket, (long Position, int Length) piece, CancellationToken cancellationToken)
    {
        byte[] range = new byte[TransferProtocol.RangeBytes];
        TransferProtocol.WriteRange(range, piece.Position, piece.Length);
        await socket.SendAsync(range, cancellationToken).ConfigureAwait(false);
    }

    private static async Task ReceiveAsync(Socket socket, Memory<byte> buffer, ObjectOffer offer, CancellationToken cancellationToken)
    {
        using var silent = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        silent.CancelAfter(s_silence);
        try
        {
            if (!await SocketBytes.FillAsync(socket, buffer, silent.Token).ConfigureAwait(false))
            {
                throw new EndOfStreamException($"The object server at {offer.Address}:{offer.Port} hung up.");
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"The object server at {offer.Address}:{offer.Port} has sent nothing for {s_silence.TotalSeconds:0} seconds.");
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
