using System.Text.Json.Serialization;

namespace Gristmill.Cli.Demo;

/// <summary>What the demo measured: the JSON line of --json, members as they are named there.</summary>
internal sealed record DemoReport
{
    [JsonPropertyName("rows_ingested")]
    public required long RowsIngested { get; init; }
    [JsonPropertyName("stages")]
    public required IReadOnlyList<DemoStage> Stages { get; init; }
    /// <summary>By engine, then by month.</summary>
    [JsonPropertyName("auc")]
    public required IReadOnlyDictionary<string, IReadOnlyDictionary<string, double>> Auc { get; init; }
    [JsonPropertyName("model")]
    public required string Model { get; init; }
    [JsonPropertyName("version")]
    public required int Version { get; init; }
    [JsonPropertyName("predictions")]
    public required long Predictions { get; init; }
    [JsonPropertyName("p50_ms")]
    public required double P50Ms { get; init; }
    [JsonPropertyName("p99_ms")]
    public required double P99Ms { get; init; }
    [JsonPropertyName("bytes_copied")]
    public required long BytesCopied { get; init; }
    [JsonPropertyName("peak_rss_mb")]
    public required double PeakRssMb { get; init; }
    [JsonPropertyName("wall_s")]
    public required double WallS { get; init; }
}

/// <summary>One stage of the report.</summary>
internal sealed record DemoStage(
    [property: JsonPropertyName("name")] string Name,
    [property: JsonPropertyName("wall_ms")] double WallMs,
    [property: JsonPropertyName("cpu_ms")] double CpuMs,
    [property: JsonPropertyName("rows")] long Rows,
    [property: JsonPropertyName("bytes_out")] long BytesOut);
