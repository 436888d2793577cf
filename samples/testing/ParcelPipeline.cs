using Gristmill;
using Gristmill.Engines;

namespace Parcels;

/// <summary>Which parcels will be late? Reads years of deliveries, trains trees, keeps the model if it is any good.</summary>
public static class ParcelPipeline
{
    public static Pipeline Create(string path = "/data/parcels/*.parquet") => Pipeline.Create("parcels", p =>
    {
        var atLeast = p.Parameter("at-least", 0.6);
        var raw = p.Read.Parquet(path);
        var rows = p.Sql($"select shipped, carrier, distance, late from {raw} where distance is not null");
        var weather = p.Run(FetchWeather, rows).With(attempts: 3, backoff: TimeSpan.FromMinutes(2), retryErrors: true).Table;
        var joined = p.Sql($"select r.*, w.rain from {rows} r join {weather} w on w.day = cast(r.shipped as date)");
        var (train, test) = p.Split(joined).ByTime("shipped", new DateOnly(2025, 5, 1));
        var trees = p.Train.LightGbm(train, label: "late", exclude: ["shipped"], iterations: 20, minDataInLeaf: 1);
        var quality = p.Evaluate(trees, over: test).Named("quality");
        p.Register("parcel-late", trees, when: quality["auc"] > atLeast);
    });

    /// <summary>Asks a service on the internet for the rain of each day: slow, and sometimes not there.</summary>
    public static ObjectRef FetchWeather(Dataset rows) => throw new NotSupportedException($"No service to ask for {rows.Rows} days.");
}
