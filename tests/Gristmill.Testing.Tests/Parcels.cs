using System.Collections.Immutable;
using Gristmill.Engines;

namespace Gristmill.Testing;

/// <summary>A pipeline as a user writes it.</summary>
internal static class Parcels
{
    public static Pipeline Pipeline { get; } = Gristmill.Pipeline.Create("parcels", p =>
    {
        var factor = p.Parameter("factor", 2.0);
        var raw = p.Read.Csv("/nowhere/parcels.csv");
        var far = p.Sql($"select carrier, distance, distance > {100} as far from {raw} order by distance").Named("far");
        MetricSet quality = p.Run(Train, far, factor).With(attempts: 3, backoff: TimeSpan.FromMinutes(1), retryErrors: true, timeout: TimeSpan.FromHours(1));
        p.Run(Publish, far).When(quality["score"] > 0.5);
    });

    public static IReadOnlyList<Parcel> Rows { get; } =
        [new("Snail", 300), new("Hare", 20), new(null, 120)];

    public static ImmutableDictionary<string, double> Train(Dataset far, double factor) =>
        ImmutableDictionary<string, double>.Empty.Add("score", factor * far.Rows);

    public static int Publish(Dataset far) => (int)far.Rows;
}

internal sealed record Parcel(string? Carrier, int Distance);

internal sealed record Far(string? Carrier, int Distance, bool IsFar);
