using System.Net.Sockets;

namespace Gristmill.Objects.Transfer;

internal static class SocketBytes
{
    /// <summary>Reads until a buffer is full; false if the other side hung up before.</summary>
    public static bool Fill(Socket from, Span<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            int read = from.Receive(buffer);
            if (read == 0)
            {
                return false;
            }

            buffer = buffer[read..];
        }

        return true;
    }
}
