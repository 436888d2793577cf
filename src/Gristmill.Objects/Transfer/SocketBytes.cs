using System.Net.Sockets;

namespace Gristmill.Objects.Transfer;

internal static class SocketBytes
{
    /// <summary>Reads until a buffer is full; false if the other side hung up before.</summary>
    public static async ValueTask<bool> FillAsync(Socket from, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (!buffer.IsEmpty)
        {
            int read = await from.ReceiveAsync(buffer, cancellationToken).ConfigureAwait(false);
            if (read == 0)
            {
                return false;
            }

            buffer = buffer[read..];
        }

        return true;
    }
}
