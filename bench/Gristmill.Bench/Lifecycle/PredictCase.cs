using System.Globalization;
using System.Text;
using Gristmill.Client;

namespace Gristmill.Bench.Lifecycle;

/// <summary>One row at a time over HTTP: requests per CPU-second of the server, against a Kestrel that answers fixed bytes.</summary>
internal static class PredictCase
{
    private const int Connections = 16;
    private const string Row = """{"hour":17,"weekday":4,"distance":606,"origin":"ATL","destination":"ORD"}""";
    private static readonly TimeSpan s_warm = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan s_measure = TimeSpan.FromSeconds(6);

    public static async Task<IReadOnlyList<BenchCase>> RunAsync()
    {
        var parquet = Path.Combine(Environment.GetEnvironmentVariable("GRISTMILL_DATA") ?? ".", "flights-3m.parquet");
        using var silo = await ServerProcess.StartSiloAsync();
        using var client = new GristmillClient(silo.Url.ToString());
        var pipeline = FlightsPipelines.Trees(parquet);
        await client.RegisterPipelineAsync(pipeline.Spec);
        await Runs.FinishAsync(client, await client.StartRunAsync(pipeline.Name));
        await client.DeployAsync("bench", new DeploymentSpec { Model = "flight-delay-trees" });
        var url = new Uri(silo.Url, "/api/v1/predict/bench");
        using var http = new HttpClient();
        using var content = new StringContent(Row, Encoding.UTF8, "application/json");
        var answer = await (await http.PostAsync(url, content)).Content.ReadAsStringAsync();

        using var bare = ServerProcess.StartSelf("bare-kestrel", answer);
        var bareUrl = new Uri(bare.Url, "/predict");
        LoadGenerator.Run(url, Row, Connections, s_warm);
        LoadGenerator.Run(bareUrl, Row, Connections, s_warm);
        // In turn, twice, so that a slow spell of the machine meets both sides.
        double ours = 0, theirs = 0, p99 = 0;
        for (var round = 0; round < 2; round++)
        {
            var (perCpu, result) = Measure(silo.Id, url);
            ours = Math.Max(ours, perCpu);
            p99 = result.P99Ms;
            theirs = Math.Max(theirs, Measure(bare.Id, bareUrl).PerCpuSecond);
        }

        return
        [
            new("POST /predict, batch 1", ours, "requests/CPU-s", string.Create(CultureInfo.InvariantCulture, $"bare Kestrel {theirs:0} requests/CPU-s"), ours / theirs, ">= 0.6", ours / theirs >= 0.6),
            new("POST /predict, batch 1: p99 at 16 connections", p99, "ms", "-", null, "-", true),
        ];
    }

    private static (double PerCpuSecond, LoadGenerator.Result Result) Measure(int server, Uri url)
    {
        var cpu = ProcessClock.CpuSeconds(server);
        var result = LoadGenerator.Run(url, Row, Connections, s_measure);
        return (result.Requests / (ProcessClock.CpuSeconds(server) - cpu), result);
    }
}
