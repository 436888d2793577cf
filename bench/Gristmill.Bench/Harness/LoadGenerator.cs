using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Gristmill.Bench;

/// <summary>
/// Sends one request over and over on a few keep-alive connections, as fast as the answers come. It parses no more of an
/// answer than its length, so that most of the machine is left to the server.
/// </summary>
internal static class LoadGenerator
{
    /// <summary>What a run saw.</summary>
    /// <param name="Requests">Requests answered with 200.</param>
    /// <param name="Seconds">How long it took.</param>
    /// <param name="P50Ms">Median latency.</param>
    /// <param name="P99Ms">99th percentile of latency.</param>
    public sealed record Result(long Requests, double Seconds, double P50Ms, double P99Ms);

    public static Result Run(Uri url, string body, int connections, TimeSpan duration)
    {
        var payload = Encoding.UTF8.GetBytes(body);
        var head = Encoding.ASCII.GetBytes(
            $"POST {url.PathAndQuery} HTTP/1.1\r\nHost: {url.Host}:{url.Port}\r\nContent-Type: application/json\r\nContent-Length: {payload.Length}\r\n\r\n");
        byte[] request = [.. head, .. payload];
        var start = Stopwatch.GetTimestamp();
        var end = start + (long)(duration.TotalSeconds * Stopwatch.Frequency);
        var tasks = Enumerable.Range(0, connections).Select(_ => Task.Run(() => Loop(url, request, end))).ToArray();
        Task.WaitAll(tasks);
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var all = tasks.SelectMany(task => task.Result).Order().ToArray();
        return new Result(all.Length, seconds, Ms(all, 0.50), Ms(all, 0.99));
    }

    private static double Ms(long[] sorted, double quantile) =>
        sorted.Length == 0 ? double.NaN : sorted[(int)Math.Min(sorted.Length - 1, quantile * sorted.Length)] * 1000.0 / Stopwatch.Frequency;

    private static async Task<List<long>> Loop(Uri url, byte[] request, long end)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, url.Port);
        var buffer = new byte[64 << 10];
        var times = new List<long>(1 << 16);
        long now;
        while ((now = Stopwatch.GetTimestamp()) < end)
        {
            await socket.SendAsync(request);
            var filled = 0;
            var total = -1;
            while (total < 0 || filled < total)
            {
                var read = await socket.ReceiveAsync(buffer.AsMemory(filled));
                if (read == 0)
                {
                    throw new InvalidOperationException("The server closed the connection.");
                }

                filled += read;
                total = total < 0 ? Total(buffer.AsSpan(0, filled)) : total;
            }

            if (!buffer.AsSpan(0, 12).SequenceEqual("HTTP/1.1 200"u8))
            {
                throw new InvalidOperationException(Encoding.UTF8.GetString(buffer, 0, filled));
            }

            times.Add(Stopwatch.GetTimestamp() - now);
        }

        return times;
    }

    // Header and body length once the header is whole, else -1.
    private static int Total(ReadOnlySpan<byte> bytes)
    {
        var header = bytes.IndexOf("\r\n\r\n"u8);
        if (header < 0)
        {
            return -1;
        }

        var at = bytes[..header].IndexOf("Content-Length: "u8);
        var digits = bytes[(at + 16)..header];
        var line = digits.IndexOf((byte)'\r');
        return header + 4 + int.Parse(line < 0 ? digits : digits[..line], System.Globalization.CultureInfo.InvariantCulture);
    }
}
