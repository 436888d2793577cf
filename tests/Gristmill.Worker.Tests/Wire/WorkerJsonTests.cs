using System.Collections.Immutable;
using System.Text.Json;

namespace Gristmill.Worker.Tests;

public sealed class WorkerJsonTests
{
    [Fact]
    public void A_full_request_comes_back_as_it_was()
    {
        var request = new StageRequest
        {
            RunId = "r",
            Stage = "s",
            Attempt = 2,
            Epoch = long.MaxValue,
            Operation = "sql.query",
            Options = "{\"query\":\"select 'é\\\"'\"}",
            Inputs = ImmutableDictionary<string, Artifact>.Empty
                .Add("data", Artifact.Of(new ObjectRef("id", "print", 3, 4, "host")))
                .Add("model:a", Artifact.Of(new ModelRef("digest", "torch", 5)))
                .Add("metrics", Artifact.Of(ImmutableDictionary<string, double>.Empty.Add("auc", double.PositiveInfinity))),
            Code = new CodeRef("digest", "pipeline.dll"),
            Limits = new StageLimits { Threads = 2, MemoryMiB = 100, Timeout = TimeSpan.FromSeconds(1.5) },
            TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        };
        var back = JsonSerializer.Deserialize(JsonSerializer.Serialize(request, WorkerJson.Default.StageRequest), WorkerJson.Default.StageRequest)!;
        Assert.Equal(request.Inputs.Where(i => i.Key != "metrics").OrderBy(i => i.Key), back.Inputs.Where(i => i.Key != "metrics").OrderBy(i => i.Key));
        Assert.Equal(double.PositiveInfinity, back.Inputs["metrics"].Metrics!["auc"]);
        Assert.Equal(request with { Inputs = back.Inputs }, back);
    }

    [Fact]
    public void An_error_keeps_its_details()
    {
        var error = new GristmillException(ErrorCodes.Sql, "no such column", "look").With("position", "7").Error;
        var back = JsonSerializer.Deserialize(JsonSerializer.Serialize(error, WorkerJson.Default.ErrorInfo), WorkerJson.Default.ErrorInfo)!;
        Assert.Equal(error with { Details = back.Details }, back);
        Assert.Equal("7", back.Details["position"]);
    }
}
