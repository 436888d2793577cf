using System.Net;
using System.Net.Sockets;

namespace Gristmill.Objects.Transfer;

/// <summary>A network between a reader and an object server, that breaks or damages what passes.</summary>
internal sealed class CuttingProxy : IAsyncDisposable
{
    private readonly Socket _listener = new(SocketType.Stream, ProtocolType.Tcp);
    private readonly int _to;
    private readonly long _cutAfter;
    private readonly long _damageAt;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;
    private long _passed;

    /// <param name="to">The server's port.</param>
    /// <param name="cutAfter">Hangs up on everybody when so many bytes have come from the server, over all connections.</param>
    /// <param name="damageAt">Changes the byte that is so many-th.</param>
    public CuttingProxy(int to, long cutAfter = long.MaxValue, long damageAt = -1)
    {
        (_to, _cutAfter, _damageAt) = (to, cutAfter, damageAt);
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    /// <summary>Bytes that came from the server.</summary>
    public long Passed => Interlocked.Read(ref _passed);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
    }

    private async Task AcceptAsync()
    {
        var all = new List<Task>();
        try
        {
            while (true)
            {
                all.Add(PassAsync(await _listener.AcceptAsync(_stop.Token)));
            }
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(all);
        }
    }

    private async Task PassAsync(Socket reader)
    {
        using var _ = reader;
        using var server = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await server.ConnectAsync(IPAddress.Loopback, _to, _stop.Token);
            await Task.WhenAny(CopyAsync(reader, server, fromServer: false), CopyAsync(server, reader, fromServer: true));
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            // Either side is gone.
        }
    }

    private async Task CopyAsync(Socket from, Socket to, bool fromServer)
    {
        byte[] buffer = new byte[64 << 10];
        while (await from.ReceiveAsync(buffer, _stop.Token) is > 0 and var read)
        {
            if (fromServer)
            {
                long before = Interlocked.Add(ref _passed, read) - read;
                if (before + read > _cutAfter)
                {
                    return;
                }

                if (_damageAt >= before && _damageAt < before + read)
                {
                    buffer[_damageAt - before] ^= 1;
                }
            }

            await to.SendAsync(buffer.AsMemory(0, read), _stop.Token);
        }
    }
}
