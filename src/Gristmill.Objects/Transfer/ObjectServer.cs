using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Gristmill.Objects.Transfer;

/// <summary>
/// Gives a store's objects to other hosts, over TCP. Whoever wants one must have been <see cref="Offer">offered</see> it: the ticket opens that object alone,
/// and goes when nobody has used it for <see cref="TicketLife"/>.
/// </summary>
public sealed class ObjectServer : IAsyncDisposable
{
    /// <summary>How long a ticket is good after its last use.</summary>
    public static readonly TimeSpan TicketLife = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan s_helloTime = TimeSpan.FromSeconds(5);
    private readonly ObjectStore _store;
    private readonly IPAddress _advertised;
    private readonly TimeProvider _time;
    private readonly Socket _listener;
    private readonly ConcurrentDictionary<string, ServedObject> _served = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<Task, bool> _connections = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly ITimer _sweeper;
    private readonly Task _accepting;

    /// <summary>Listens, and accepts until it is disposed.</summary>
    /// <param name="store">The objects.</param>
    /// <param name="endPoint">Where to listen; port 0: a free one.</param>
    /// <param name="advertised">The address by which others reach it; null: that of <paramref name="endPoint"/>.</param>
    /// <exception cref="SocketException">The port is taken.</exception>
    public ObjectServer(ObjectStore store, IPEndPoint endPoint, IPAddress? advertised = null)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(endPoint);
        _store = store;
        _advertised = advertised ?? endPoint.Address;
        _time = store.Options.TimeProvider;
        _listener = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        _listener.Bind(endPoint);
        _listener.Listen();
        Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
        _sweeper = _time.CreateTimer(_ => Sweep(TicketLife), null, TicketLife / 3, TicketLife / 3);
        _accepting = AcceptAsync();
    }

    /// <summary>The TCP port.</summary>
    public int Port { get; }

    /// <summary>Makes a ticket for an object; null if it is not in the store.</summary>
    public ObjectOffer? Offer(string id)
    {
        ObjectLease lease;
        try
        {
            lease = _store.Get(id);
        }
        catch (GristmillException e) when (e.Code == ErrorCodes.ObjectNotFound)
        {
            return null;
        }

        ServedObject served;
        try
        {
            served = new ServedObject(lease, _store.FileOf(id)) { Used = _time.GetTimestamp() };
        }
        catch (IOException)
        {
            lease.Dispose(); // deleted since
            return null;
        }
        catch
        {
            lease.Dispose();
            throw;
        }

        string ticket = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(TransferProtocol.TicketBytes));
        _served[ticket] = served;
        return new ObjectOffer(lease.Ref, _advertised.ToString(), Port, ticket, lease.HashedBytes);
    }

    /// <summary>Stops, and gives back all leases.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        _listener.Dispose();
        await _accepting.ConfigureAwait(false);
        await Task.WhenAll(_connections.Keys).ConfigureAwait(false);
        await _sweeper.DisposeAsync().ConfigureAwait(false);
        Sweep(TimeSpan.Zero);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var serving = ServeAsync(await _listener.AcceptAsync(_stop.Token).ConfigureAwait(false));
                _connections[serving] = true;
                _ = serving.ContinueWith(done => _connections.TryRemove(done, out _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException)
            {
                // Out of descriptors, or the caller hung up before it was accepted: others may come.
                await Task.Delay(10).ConfigureAwait(false);
            }
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        await Task.Yield();
        using var _ = socket;
        try
        {
            socket.NoDelay = true;
            byte[] buffer = new byte[TransferProtocol.HelloBytes];
            using (var hello = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token))
            {
                hello.CancelAfter(s_helloTime);
                if (!await SocketBytes.FillAsync(socket, buffer, hello.Token).ConfigureAwait(false))
                {
                    return;
                }
            }

            if (TransferProtocol.TicketOf(buffer) is not { } ticket || !_served.TryGetValue(ticket, out var served) || !served.Enter())
            {
                await socket.SendAsync(new byte[1], _stop.Token).ConfigureAwait(false);
                return;
            }

            try
            {
                await socket.SendAsync(new byte[] { 1 }, _stop.Token).ConfigureAwait(false);
                await AnswerAsync(socket, served).ConfigureAwait(false);
            }
            finally
            {
                served.Used = _time.GetTimestamp();
                served.Leave();
            }
        }
        catch (Exception e) when (e is SocketException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The reader is gone, or we are going.
        }
    }

    private async Task AnswerAsync(Socket socket, ServedObject served)
    {
        byte[] buffer = new byte[TransferProtocol.RangeBytes];
        while (true)
        {
            using var idle = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
            idle.CancelAfter(TicketLife);
            if (!await SocketBytes.FillAsync(socket, buffer, idle.Token).ConfigureAwait(false))
            {
                return;
            }

            var (position, length) = TransferProtocol.ReadRange(buffer);
            if (position < 0 || length <= 0 || length > TransferProtocol.Piece || position > served.Length - length)
            {
                return; // no reader of ours asks for that
            }

            idle.CancelAfter(TicketLife); // one who does not read does not hold the object for ever
            await served.SendAsync(socket, position, length, idle.Token).ConfigureAwait(false);
        }
    }

    private void Sweep(TimeSpan age)
    {
        foreach (var (ticket, served) in _served)
        {
            if (_time.GetElapsedTime(served.Used) >= age && served.TryClose() && _served.TryRemove(ticket, out _))
            {
                served.Dispose();
            }
        }
    }
}
