using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Gristmill.Hosting;

namespace Gristmill;

/// <summary>The same program sent to a server: its assembly is uploaded, runs in worker processes, and serves.</summary>
public sealed class ShippingTests
{
    [Fact]
    public async Task Own_models_train_in_workers_and_serve_over_http()
    {
        await using var silo = await SiloProcess.StartAsync();
        var csv = Parcels.WriteCsv(silo.Folder);
        var cancellation = TestContext.Current.CancellationToken;

        Assert.Equal(0, await Mill.RunAsync(OwnModels.Pipeline(csv), ["--cluster", silo.Http.BaseAddress!.AbsoluteUri], cancellation));

        foreach (var model in new[] { "parcel-net", "parcel-chain" })
        {
            await silo.DeployAsync(model, model);
            using var answer = await silo.Http.PostAsJsonAsync(new Uri($"/api/v1/predict/{model}", UriKind.Relative), new object[]
            {
                new { carrier = "Snail", distance = 1450, weight = 29 },
                new { carrier = "Brisk", distance = 20, weight = 0.5 },
                new { carrier = "never-seen", distance = 20, weight = 0.5 },
            }, cancellation);
            Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(cancellation));
            var predictions = (await answer.Content.ReadFromJsonAsync<JsonElement>(cancellation)).GetProperty("predictions");
            Assert.Equal(3, predictions.GetArrayLength());
            Assert.InRange(predictions[0].GetProperty("score").GetDouble(), 0.8, 1);
            Assert.InRange(predictions[1].GetProperty("score").GetDouble(), 0, 0.3);
            Assert.True(predictions[0].GetProperty("label").GetBoolean());
            Assert.False(predictions[1].GetProperty("label").GetBoolean());

            // Code of one's own has no ONNX form, and the server says so.
            using var export = await silo.Http.GetAsync(new Uri($"/api/v1/models/{model}/export", UriKind.Relative), cancellation);
            Assert.Equal(HttpStatusCode.UnprocessableEntity, export.StatusCode);
            Assert.Equal(ErrorCodes.NotExportable, (await export.Content.ReadFromJsonAsync<JsonElement>(cancellation)).GetProperty("code").GetString());
        }
    }

    [Fact]
    public async Task A_stage_that_throws_on_a_server_fails_the_run_with_its_own_words()
    {
        await using var silo = await SiloProcess.StartAsync();
        var csv = Parcels.WriteCsv(silo.Folder);
        var pipeline = Pipeline.Create("throws", p =>
        {
            var raw = p.Read.Csv(csv);
            p.Run(OwnStages.Throw, raw);
        });

        Assert.Equal(1, await Mill.RunAsync(pipeline, ["run", "--cluster", silo.Http.BaseAddress!.AbsoluteUri], TestContext.Current.CancellationToken));

        var runs = await silo.Http.GetFromJsonAsync<JsonElement>(new Uri("/api/v1/runs", UriKind.Relative), TestContext.Current.CancellationToken);
        var run = await silo.GetRunAsync(Assert.Single(runs.EnumerateArray()).GetProperty("id").GetString()!);
        var error = Assert.Single(run.Stages, stage => stage.Status == StageStatus.Failed).Error!;
        Assert.Equal(ErrorCodes.StageFailed, error.Code);
        Assert.Contains($"{Parcels.Rows} rows are too many for me", error.Message);
        Assert.Contains(nameof(OwnStages.Throw), error.Message);
        using var alive = await silo.Http.GetAsync(new Uri("/health/ready", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.True(alive.IsSuccessStatusCode);
    }
}
