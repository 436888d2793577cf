using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Gristmill.Objects.Ipc;

namespace Gristmill.Objects.Transfer;

/// <summary>
/// Gives a store's objects to other hosts, over TCP. Whoever wants one must have been <see cref="Offer">offered</see> it: the ticket opens that object alone,
/// and goes when nobody has used it for <see cref="TicketLife"/>.
/// </summary>
public sealed class ObjectServer : IAsyncDisposable
{
    /// <summary>How long a ticket is good after its last use.</summary>
    public static readonly TimeSpan TicketLife = TimeSpan.FromSeconds(30);

    /// <summary>Each has a thread: sockets that block send and receive twice as much in the same time as those that are waited for, whose every piece wakes others.</summary>
    private const int MostConnections = 256;

    private static readonly TimeSpan s_helloTime = TimeSpan.FromSeconds(5);
    private readonly ObjectStore _store;
    private readonly IPAddress _address;
    private readonly TimeProvider _time;
    private readonly Socket _listener;
    private readonly ConcurrentDictionary<string, ServedObject> _served = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<Socket, bool> _connections = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly ITimer _sweeper;
    private readonly Thread _accepting;

    /// <summary>Listens, and accepts until it is disposed.</summary>
    /// <param name="store">The objects.</param>
    /// <param name="endPoint">Where to listen, and others reach it; port 0: a free one.</param>
    /// <exception cref="SocketException">The port is taken.</exception>
    public ObjectServer(ObjectStore store, IPEndPoint endPoint)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(endPoint);
        _store = store;
        _address = endPoint.Address;
        _time = store.Options.TimeProvider;
        _listener = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        _listener.Bind(endPoint);
        _listener.Listen();
        Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
        _sweeper = _time.CreateTimer(_ => Sweep(TicketLife), null, TicketLife / 3, TicketLife / 3);
        _accepting = new Thread(Accept) { IsBackground = true, Name = "Gristmill objects" };
        _accepting.Start();
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
        byte[] footer = new byte[lease.Ref.Bytes - lease.HashedBytes];
        lease.Copy(lease.HashedBytes, footer);
        return new ObjectOffer(lease.Ref, _address.ToString(), Port, ticket, lease.HashedBytes, Checksum.Of(footer));
    }

    /// <summary>Stops, and gives back all leases.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        _listener.Dispose();
        _accepting.Join();
        while (!_connections.IsEmpty)
        {
            foreach (var socket in _connections.Keys)
            {
                socket.Dispose(); // wakes its thread
            }

            await Task.Delay(1).ConfigureAwait(false);
        }

        await _sweeper.DisposeAsync().ConfigureAwait(false);
        Sweep(TimeSpan.Zero);
        _stop.Dispose();
    }

    private void Accept()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var socket = _listener.Accept();
                if (_connections.Count >= MostConnections || !_connections.TryAdd(socket, true))
                {
                    socket.Dispose(); // who asks again later, or elsewhere, is served
                    continue;
                }

                new Thread(() => Serve(socket), maxStackSize: 256 << 10) { IsBackground = true, Name = "Gristmill objects" }.Start();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // Closed; or the caller hung up before it was accepted, or descriptors are short: others may come.
                _stop.Token.WaitHandle.WaitOne(10);
            }
        }
    }

    private void Serve(Socket socket)
    {
        try
        {
            socket.NoDelay = true;
            socket.SendTimeout = (int)TicketLife.TotalMilliseconds; // one who does not read does not hold the object for ever
            socket.ReceiveTimeout = (int)s_helloTime.TotalMilliseconds;
            Span<byte> hello = stackalloc byte[TransferProtocol.HelloBytes];
            if (!SocketBytes.Fill(socket, hello))
            {
                return;
            }

            if (TransferProtocol.TicketOf(hello) is not { } ticket || !_served.TryGetValue(ticket, out var served) || !served.Enter())
            {
                socket.Send([0]);
                return;
            }

            try
            {
                socket.Send([1]);
                socket.ReceiveTimeout = (int)TicketLife.TotalMilliseconds;
                Answer(socket, served);
            }
            finally
            {
                served.Used = _time.GetTimestamp();
                served.Leave();
            }
        }
        catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException)
        {
            // The reader is gone, or we are going.
        }
        finally
        {
            socket.Dispose();
            _connections.TryRemove(socket, out _);
        }
    }

    private static void Answer(Socket socket, ServedObject served)
    {
        Span<byte> range = stackalloc byte[TransferProtocol.RangeBytes];
        while (SocketBytes.Fill(socket, range))
        {
            var (position, length) = TransferProtocol.ReadRange(range);
            if (position < 0 || length <= 0 || length > TransferProtocol.Piece || position > served.Length - length)
            {
                return; // no reader of ours asks for that
            }

            served.Send(socket, position, length);
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
