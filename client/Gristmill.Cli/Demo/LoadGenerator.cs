using System.Diagnostics;
using Gristmill.Client;

namespace Gristmill.Cli.Demo;

/// <summary>Sends prediction requests one after the other and measures each, from the call to the parsed answer.</summary>
internal static class LoadGenerator
{
    /// <summary>Requests before the measured ones: the first load the model and compile the path.</summary>
    private const int WarmUp = 200;

    private static readonly string[] Airports = ["ATL", "ORD", "DFW", "LAX", "PHX", "DEN", "LAS", "DTW", "MSP", "STL", "SFO", "EWR", "SEA", "BOS"];

    public static async Task<LoadResult> RunAsync(GristmillClient client, string deployment, int requests, IProgress<int>? progress, CancellationToken cancellationToken)
    {
        var random = new Random(7);
        for (var i = 0; i < WarmUp; i++)
        {
            await client.PredictOneAsync(deployment, Flight(random), cancellationToken);
        }

        var times = new double[requests];
        var scores = 0d;
        for (var i = 0; i < requests; i++)
        {
            var flight = Flight(random);
            var start = Stopwatch.GetTimestamp();
            var prediction = await client.PredictOneAsync(deployment, flight, cancellationToken);
            times[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            scores += prediction.Score is { } score and >= 0 and <= 1
                ? score
                : throw new GristmillException(ErrorCodes.Internal, $"The model predicted {prediction.Score} for {flight}, which is no probability.");
            progress?.Report(i + 1);
        }

        Array.Sort(times);
        return new LoadResult(requests, Percentile(times, 0.5), Percentile(times, 0.99), scores / requests);
    }

    /// <summary>The nearest-rank percentile of sorted values.</summary>
    internal static double Percentile(double[] sorted, double share) => sorted[Math.Max(0, (int)Math.Ceiling(share * sorted.Length) - 1)];

    private static FlightRow Flight(Random random)
    {
        var from = random.Next(Airports.Length);
        var to = (from + 1 + random.Next(Airports.Length - 1)) % Airports.Length;
        return new FlightRow(Airports[from], Airports[to], 200 + random.Next(2400), random.Next(6, 23), random.Next(7), random.Next(1, 7));
    }

    /// <summary>The columns that the sample's models take.</summary>
#pragma warning disable IDE1006 // Named as the columns are.
    private sealed record FlightRow(string origin, string destination, int distance, int hour, int weekday, int month);
#pragma warning restore IDE1006
}

/// <summary>What the load came to.</summary>
/// <param name="Requests">Measured requests.</param>
/// <param name="P50Ms">Median, in milliseconds.</param>
/// <param name="P99Ms">99th percentile, in milliseconds.</param>
/// <param name="MeanScore">Mean of the scores.</param>
internal sealed record LoadResult(int Requests, double P50Ms, double P99Ms, double MeanScore);
