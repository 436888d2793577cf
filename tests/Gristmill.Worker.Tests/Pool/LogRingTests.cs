using System.Text;
using Microsoft.Extensions.Time.Testing;

namespace Gristmill.Worker.Tests;

public sealed class LogRingTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gm-log-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task It_keeps_the_last_lines()
    {
        using var ring = new LogRing(3, null, TimeProvider.System);
        await ring.PumpAsync(Lines("one\ntwo\r\nthree\nfour\nfive without end"));
        Assert.Equal(["three", "four", "five without end"], ring.Tail());
    }

    [Fact]
    public async Task A_line_without_end_is_cut_and_never_held_whole()
    {
        using var ring = new LogRing(4, null, TimeProvider.System);
        await ring.PumpAsync(Lines(new string('x', 10_000) + "\nend"));
        Assert.Equal([4096, 4096, 10_000 - 8192, 3], ring.Tail().Select(l => l.Length));
    }

    [Fact]
    public void The_file_has_time_stamps_and_is_turned_over()
    {
        var path = Path.Combine(_folder, "deep", "worker.log");
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
        using (var ring = new LogRing(2, path, time))
        {
            var line = new string('x', 4000);
            for (var at = 0; at < 1_100; at++)
            {
                ring.Add(line);
            }

            ring.Add("last");
        }

        Assert.InRange(new FileInfo(path + ".1").Length, 4 << 20, (4 << 20) + 5000);
        Assert.EndsWith("2026-01-02T03:04:05.000Z last" + Environment.NewLine, File.ReadAllText(path), StringComparison.Ordinal);
        Assert.InRange(new FileInfo(path).Length, 30, 1 << 20);
    }

    private static MemoryStream Lines(string text) => new(Encoding.UTF8.GetBytes(text));
}
