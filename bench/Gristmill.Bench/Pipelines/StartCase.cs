using Gristmill.Bench.Lifecycle;

namespace Gristmill.Bench.Pipelines;

/// <summary>
/// From sending the request that starts a run until its first stage has run: later than the moment at which it begins to, which
/// only the silo sees. Both times are of this machine's clock.
/// </summary>
internal static class StartCase
{
    // A server that has been up for a while: its code is compiled, which takes some ten seconds of starts.
    private const int Warm = 700, Starts = 200;

    public static async Task<IReadOnlyList<BenchCase>> RunAsync()
    {
        using var silo = SiloUnderTest.Start();
        var spec = Dags.Chain(1);
        await silo.Client.RegisterPipelineAsync(spec);
        var times = new List<double>();
        for (var i = 0; i < Warm + Starts; i++)
        {
            var sent = DateTimeOffset.UtcNow;
            var run = await Runs.FinishAsync(silo.Client, await silo.Client.StartRunAsync(spec.Name));
            if (i >= Warm)
            {
                times.Add((run.Stages[0].Ended! - sent).Value.TotalMilliseconds);
            }
        }

        times.Sort();
        return
        [
            new("start over REST to the first stage run: p50", times[Starts / 2], "ms", "-", null, "< 10 ms", times[Starts / 2] < 10),
            new("start over REST to the first stage run: p99", times[Starts * 99 / 100], "ms", "-", null, "-", true),
        ];
    }
}
