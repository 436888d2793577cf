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

            // One thread a connection: it greets, and then reads for as long as the worker lives.
            new Thread(() => Serve(socket)) { IsBackground = true, Name = "gristmill-worker" }.Start();
        }
    }

    private void Serve(Socket socket)
    {
        if (Greet(socket) is { } worker)
        {
            worker.Listen();
        }
        else
        {
            socket.Dispose();
        }
    }

    /// <summary>Reads the first frame and hands the connection to the worker whose token it shows.</summary>
    private WorkerHandle? Greet(Socket socket)
    {
        try
        {
            socket.ReceiveTimeout = (int)HelloGrace.TotalMilliseconds;
            // Read exactly the frame: what follows belongs to the connection's own reader.
            var head = new byte[13];
            ReadExactly(socket, head);
            var length = BitConverter.ToInt32(head) - 9;
            if ((FrameKind)head[4] == FrameKind.Hello && length is > 0 and < 4096)
            {
                var payload = new byte[length];
                ReadExactly(socket, payload);
                var hello = JsonSerializer.Deserialize(payload, WorkerJson.Default.WorkerHello)!;
                socket.ReceiveTimeout = 0;
                lock (_gate)
                {
                    var worker = _workers.Find(w => w.Number == hello.Number);
                    if (worker is { IsReady: false }
                        && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(worker.Token), Encoding.UTF8.GetBytes(hello.Token ?? "")))
                    {
                        worker.Connect(socket);
                        return worker;
                    }
                }
            }
        }
        catch (Exception e) when (e is SocketException or IOException or JsonException or ObjectDisposedException)
        {
            // Said below.
        }

        LogStranger();
        return null;
    }

    private static void ReadExactly(Socket socket, Span<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            var read = socket.Receive(buffer);
            buffer = read > 0 ? buffer[read..] : throw new EndOfStreamException();
        }
    }
}
