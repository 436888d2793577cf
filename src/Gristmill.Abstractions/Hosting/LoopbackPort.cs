using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Gristmill;

/// <summary>Finds ports for servers of this machine.</summary>
public static class LoopbackPort
{
    /// <summary>
    /// Below the ports that systems give to outgoing connections (Linux: from 32,768): between finding one and listening on it seconds may pass,
    /// in which every connection of the machine could take it.
    /// </summary>
    private const int First = 15_000, Last = 20_999;

    private const int Tries = 100;

    /// <summary>Ports that this process has, or was given for a server that does not listen yet: a silo that starts needs four.</summary>
    private static readonly ConcurrentDictionary<int, bool> s_taken = [];

    /// <summary>A port of loopback that nobody listens on now, and that this process did not get before; chosen at random, so that processes that ask at once get different ones.</summary>
    public static int Free()
    {
        for (var i = 0; i < Tries; i++)
        {
            if (TryBind(Random.Shared.Next(First, Last + 1)) is { } port && s_taken.TryAdd(port, true))
            {
                return port;
            }
        }

        return TryBind(0) ?? throw new SocketException((int)SocketError.AddressAlreadyInUse);
    }

    /// <summary>Says that a port is spoken for, though nobody listens on it yet.</summary>
    public static void Take(int port) => s_taken.TryAdd(port, true);

    private static int? TryBind(int port)
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            probe.Bind(new IPEndPoint(IPAddress.Loopback, port));
            return ((IPEndPoint)probe.LocalEndPoint!).Port;
        }
        catch (SocketException)
        {
            return null;
        }
    }
}
