using System.Globalization;

namespace Gristmill.Cli.Demo;

/// <summary>
/// Samples the memory of a process tree and of this process: the sum of their proportional set sizes (Pss), in which a page
/// that several processes share counts once.
/// </summary>
internal sealed class MemorySampler : IAsyncDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(250);

    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;
    private long _peak;

    public MemorySampler(int rootProcess, TimeProvider time) => _loop = Task.Run(() => SampleAsync(rootProcess, time));

    /// <summary>Most bytes seen at one time.</summary>
    public long PeakBytes => Volatile.Read(ref _peak);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
    }

    private async Task SampleAsync(int root, TimeProvider time)
    {
        using var timer = new PeriodicTimer(Period, time);
        try
        {
            do
            {
                var now = Tree(root).Append(Environment.ProcessId).Sum(Pss);
                Volatile.Write(ref _peak, Math.Max(_peak, now));
            }
            while (await timer.WaitForNextTickAsync(_stop.Token));
        }
        catch (OperationCanceledException)
        {
            // The end of sampling.
        }
    }

    /// <summary>A process and all that descend from it.</summary>
    internal static IReadOnlyList<int> Tree(int root)
    {
        var children = new Dictionary<int, List<int>>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var id) && ParentOf(id) is { } parent)
            {
                (children.TryGetValue(parent, out var list) ? list : children[parent] = []).Add(id);
            }
        }

        var tree = new List<int> { root };
        for (var i = 0; i < tree.Count; i++)
        {
            tree.AddRange(children.GetValueOrDefault(tree[i], []));
        }

        return tree;
    }

    /// <summary>Proportional set size in bytes; 0 for a process that has gone.</summary>
    internal static long Pss(int process)
    {
        try
        {
            var line = File.ReadLines($"/proc/{process}/smaps_rollup").FirstOrDefault(l => l.StartsWith("Pss:", StringComparison.Ordinal));
            return line is null ? 0 : long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    private static int? ParentOf(int process)
    {
        try
        {
            // "pid (name) state ppid ...": the name may hold anything, so count from its end.
            var stat = File.ReadAllText($"/proc/{process}/stat");
            return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or IndexOutOfRangeException)
        {
            return null;
        }
    }
}
