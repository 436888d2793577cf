using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Gristmill.Worker;

// Takes connections, and gives each to the worker whose token it shows.
internal sealed partial class WorkerPool
{
    private async Task AcceptAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            Socket socket;
            try
            {
                socket = await _listener.AcceptAsync(_stopping.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
            {
                return;
            }

            _ = GreetAsync(socket);
        }
    }

    /// <summary>Reads the first frame and hands the connection to the worker whose token it shows.</summary>
    private async Task GreetAsync(Socket socket)
    {
        try
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
            patience.CancelAfter(HelloGrace);
            // Read exactly the frame: what follows belongs to the connection's own reader.
            var head = new byte[13];
            await ReadExactlyAsync(socket, head, patience.Token).ConfigureAwait(false);
            var length = BitConverter.ToInt32(head) - 9;
            if ((FrameKind)head[4] == FrameKind.Hello && length is > 0 and < 4096)
            {
                var payload = new byte[length];
                await ReadExactlyAsync(socket, payload, patience.Token).ConfigureAwait(false);
                var hello = JsonSerializer.Deserialize(payload, WorkerJson.Default.WorkerHello)!;
                lock (_gate)
                {
                    var worker = _workers.Find(w => w.Number == hello.Number);
                    if (worker is { IsReady: false }
                        && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(worker.Token), Encoding.UTF8.GetBytes(hello.Token ?? "")))
                    {
                        worker.Connect(socket);
                        return;
                    }
                }
            }

            LogStranger();
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or IOException or JsonException or ObjectDisposedException)
        {
            LogStranger();
        }

        socket.Dispose();
    }

    private static async Task ReadExactlyAsync(Socket socket, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (!buffer.IsEmpty)
        {
            var read = await socket.ReceiveAsync(buffer, SocketFlags.None, cancellationToken).ConfigureAwait(false);
            buffer = read > 0 ? buffer[read..] : throw new EndOfStreamException();
        }
    }
}
