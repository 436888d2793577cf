using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Apache.Arrow;
using Apache.Arrow.Ipc;
using Apache.Arrow.Types;
using Gristmill.Client;
using Microsoft.ML.OnnxRuntime;

namespace Gristmill.Hosting;

/// <summary>From a file to predictions over HTTP, against the real silo with real workers; one silo serves all tests here.</summary>
public sealed class EndToEndTests(EndToEndTests.TrainedSilo trained) : IClassFixture<EndToEndTests.TrainedSilo>
{
    private const string Row = """{"hour":22,"distance":300,"carrier":"DD"}""";

    [Fact]
    public void The_run_succeeds_and_copies_nothing_between_stages()
    {
        Assert.Equal(RunStatus.Succeeded, trained.Run.Status);
        Assert.All(trained.Run.Stages, stage => Assert.Equal(StageStatus.Succeeded, stage.Status));
        Assert.Equal(Trips.Rows, trained.Run.Stages[0].Usage!.Rows);
        Assert.Equal(0, trained.Run.Stages.Sum(stage => stage.Usage?.BytesCopied ?? 0));
    }

    [Theory]
    [InlineData(Row, 1)]
    [InlineData("[" + Row + "," + Row + "]", 2)]
    [InlineData("""{"rows":[{"carrier":"DD","distance":300,"hour":22}]}""", 1)]
    [InlineData("[]", 0)]
    public async Task Json_of_every_shape_is_predicted(string body, int rows)
    {
        var predictions = (await PredictAsync(body)).GetProperty("predictions");
        Assert.Equal(rows, predictions.GetArrayLength());
        foreach (var prediction in predictions.EnumerateArray())
        {
            Assert.InRange(prediction.GetProperty("score").GetDouble(), 0.5, 1);
            Assert.True(prediction.GetProperty("label").GetBoolean());
        }
    }

    [Fact]
    public async Task Arrow_and_json_give_the_same_scores()
    {
        var hours = Enumerable.Range(0, 24).ToArray();
        var json = await PredictAsync("[" + string.Join(",", hours.Select(h => $$"""{"hour":{{h}},"distance":{{100 + (h * 90)}},"carrier":"CC"}""")) + "]");
        var expected = json.GetProperty("predictions").EnumerateArray().Select(p => p.GetProperty("score").GetSingle()).ToArray();

        var schema = new Schema([new Field("hour", Int64Type.Default, false), new Field("distance", Int64Type.Default, false), new Field("carrier", StringType.Default, false)], null);
        using var batch = new RecordBatch(schema,
        [
            new Int64Array.Builder().AppendRange(hours.Select(h => (long)h)).Build(),
            new Int64Array.Builder().AppendRange(hours.Select(h => 100L + (h * 90))).Build(),
            new StringArray.Builder().AppendRange(hours.Select(_ => "CC")).Build(),
        ], hours.Length);
        using var body = new MemoryStream();
        using (var writer = new ArrowStreamWriter(body, schema, leaveOpen: true))
        {
            await writer.WriteRecordBatchAsync(batch, TestContext.Current.CancellationToken);
            await writer.WriteEndAsync(TestContext.Current.CancellationToken);
        }

        using var response = await PostAsync(body.ToArray(), "application/vnd.apache.arrow.stream");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        using var reader = new ArrowStreamReader(await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        using var predicted = (await reader.ReadNextRecordBatchAsync(TestContext.Current.CancellationToken))!;
        var scores = ((FloatArray)predicted.Column("score")).Values.ToArray();
        Assert.Equal(expected, scores);
    }

    [Theory]
    [InlineData("""{"hour":"late","distance":300,"carrier":"DD"}""", ErrorCodes.TypeMismatch, "hour")]
    [InlineData("""{"hour":22,"distance":300,"carrier":7}""", ErrorCodes.TypeMismatch, "carrier")]
    [InlineData("""{"hour":22,"distance":300,"carrier":"DD","color":"red"}""", ErrorCodes.UnknownColumn, "color")]
    [InlineData("""{"hour":22,"distance":"Infinity","carrier":"DD"}""", ErrorCodes.BadValue, "distance")]
    [InlineData("""{"hour":22,"hour":22,"distance":1,"carrier":"DD"}""", ErrorCodes.Invalid, "hour")]
    [InlineData("""[1,2]""", ErrorCodes.Invalid, "Row 0")]
    [InlineData("""{"hour":22""", ErrorCodes.Invalid, "")]
    [InlineData("""nonsense""", ErrorCodes.Invalid, "JSON")]
    [InlineData("", ErrorCodes.Invalid, "")]
    public async Task A_bad_row_is_refused_and_the_field_named(string body, string code, string names)
    {
        using var response = await PostAsync(Encoding.UTF8.GetBytes(body), "application/json");
        await AssertProblemAsync(response, HttpStatusCode.BadRequest, code, names);
    }

    [Fact]
    public async Task Null_and_NaN_are_imputed_as_in_training()
    {
        var whole = await PredictAsync("""[{"hour":null,"distance":300,"carrier":"DD"},{"hour":"NaN","distance":300,"carrier":"DD"},{"distance":300,"carrier":null}]""");
        var scores = whole.GetProperty("predictions").EnumerateArray().Select(p => p.GetProperty("score").GetDouble()).ToArray();
        Assert.Equal(scores[0], scores[1]);
        Assert.All(scores, score => Assert.InRange(score, 0, 1));
    }

    [Fact]
    public async Task Malformed_arrow_is_refused_and_leaves_nothing_behind()
    {
        var before = Directory.GetFiles(trained.Silo.ObjectDirectory).Length;
        var bytes = new byte[4096];
        new Random(3).NextBytes(bytes);
        using var response = await PostAsync(bytes, "application/vnd.apache.arrow.stream");
        await AssertProblemAsync(response, HttpStatusCode.BadRequest, ErrorCodes.Corrupt, "");
        Assert.Equal(before, Directory.GetFiles(trained.Silo.ObjectDirectory).Length);
    }

    [Fact]
    public async Task Options_that_do_not_fit_are_refused_when_the_pipeline_is_registered()
    {
        var spec = new PipelineSpec
        {
            Name = "misspelt",
            Stages =
            [
                new StageSpec { Name = "rows", Operation = StageOperations.SqlQuery, Options = """{"qery":"select 1"}""" },
                new StageSpec { Name = "wave", Operation = "magic.wand" },
            ],
        };
        using var response = await trained.Silo.Http.PutAsync(new Uri("/api/v1/pipelines/misspelt", UriKind.Relative), SiloProcess.Json(spec), TestContext.Current.CancellationToken);
        await AssertProblemAsync(response, HttpStatusCode.BadRequest, ErrorCodes.Invalid, "stage 'rows': its options do not fit sql.query: '$.qery' is unknown (Did you mean 'query'?");
        await AssertProblemAsync(response, HttpStatusCode.BadRequest, ErrorCodes.Invalid, "stage 'wave': there is no operation 'magic.wand'");
        using var stored = await trained.Silo.Http.GetAsync(new Uri("/api/v1/pipelines/misspelt", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NotFound, stored.StatusCode);
    }

    [Fact]
    public async Task What_does_not_exist_is_not_found()
    {
        using var deployment = await trained.Silo.Http.PostAsync(new Uri("/api/v1/predict/nobody", UriKind.Relative), new StringContent("{}", MediaTypeHeaderValue.Parse("application/json")), TestContext.Current.CancellationToken);
        await AssertProblemAsync(deployment, HttpStatusCode.NotFound, ErrorCodes.NotFound, "nobody");
        using var run = await trained.Silo.Http.GetAsync(new Uri("/api/v1/runs/none", UriKind.Relative), TestContext.Current.CancellationToken);
        await AssertProblemAsync(run, HttpStatusCode.NotFound, ErrorCodes.NotFound, "none");
        using var nothing = await trained.Silo.Http.GetAsync(new Uri("/api/v1/nothing", UriKind.Relative), TestContext.Current.CancellationToken);
        await AssertProblemAsync(nothing, HttpStatusCode.NotFound, ErrorCodes.NotFound, "nothing");
        using var model = await trained.Silo.Http.PutAsync(new Uri("/api/v1/deployments/x", UriKind.Relative), SiloProcess.Json(new DeploymentSpec { Model = "nothing-like-it" }), TestContext.Current.CancellationToken);
        await AssertProblemAsync(model, HttpStatusCode.NotFound, ErrorCodes.NotFound, "nothing-like-it");
    }

    [Fact]
    public async Task A_trained_model_is_exported_as_a_file_that_ONNX_Runtime_loads()
    {
        var trees = await trained.Silo.RunAsync(Pipeline.Create("late-trees", p =>
        {
            var raw = p.Read.Csv(Trips.WriteCsv(trained.Silo.Folder));
            var rows = p.Sql($"select hour, distance, carrier, delay > 15 as late from {raw}");
            p.Register("late-trees", p.Train.LightGbm(rows, label: "late"));
        }));
        Assert.True(trees.Status == RunStatus.Succeeded, trees.Error?.Message);
        using var client = new GristmillClient(trained.Silo.Http.BaseAddress!.AbsoluteUri);
        using var newest = new MemoryStream();
        await client.ExportModelAsync("late-trees", newest, cancellationToken: TestContext.Current.CancellationToken);
        using var first = new MemoryStream();
        await client.ExportModelAsync("late-trees", first, 1, TestContext.Current.CancellationToken);

        Assert.Equal(newest.ToArray(), first.ToArray());
        using var session = new InferenceSession(newest.ToArray());
        Assert.Equal(["input"], session.InputNames);
        Assert.Equal(["label", "probabilities"], session.OutputNames);
        Assert.Equal("late", session.ModelMetadata.CustomMetadataMap["gristmill.label"]);
    }

    [Theory]
    [InlineData("late-trip/export?format=pmml", HttpStatusCode.BadRequest, ErrorCodes.Invalid, "pmml")]
    [InlineData("late-trip/export?version=x", HttpStatusCode.NotFound, ErrorCodes.NotFound, "version x")]
    [InlineData("late-trip/export?version=7", HttpStatusCode.NotFound, ErrorCodes.NotFound, "version 7")]
    [InlineData("nobody/export", HttpStatusCode.NotFound, ErrorCodes.NotFound, "nobody")]
    public async Task An_export_that_cannot_be_is_refused(string path, HttpStatusCode status, string code, string names)
    {
        using var answer = await trained.Silo.Http.GetAsync(new Uri($"/api/v1/models/{path}", UriKind.Relative), TestContext.Current.CancellationToken);
        await AssertProblemAsync(answer, status, code, names);
    }

    [Theory]
    [InlineData("/health/live", "Healthy")]
    [InlineData("/health/ready", "Healthy")]
    [InlineData("/openapi/v1.json", "/api/v1/predict/{deployment}")]
    [InlineData("/orleans", "html")]
    [InlineData("/api/v1/info", "Gristmill")]
    [InlineData("/api/v1/pipelines", "trips")]
    [InlineData("/api/v1/runs", "trips")]
    [InlineData("/api/v1/models", "late-trip")]
    [InlineData("/api/v1/deployments", "late")]
    public async Task Every_door_answers(string path, string holds)
    {
        var text = await trained.Silo.Http.GetStringAsync(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Contains(holds, text, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task The_same_idempotency_key_starts_one_run()
    {
        async Task<string> StartAsync()
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri("/api/v1/pipelines/trips/runs", UriKind.Relative)) { Content = SiloProcess.Json(new RunRequest()) };
            request.Headers.Add("Idempotency-Key", "once");
            using var response = await trained.Silo.Http.SendAsync(request);
            return (await SiloProcess.ReadAsync<RunStarted>(response)).Id;
        }

        var first = await StartAsync();
        Assert.Equal(first, await StartAsync());
        Assert.Equal(RunStatus.Succeeded, (await trained.Silo.FinishAsync(first)).Status);
    }

    [Fact]
    public async Task A_page_under_another_host_name_is_refused()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri("/api/v1/info", UriKind.Relative));
        request.Headers.Host = "evil.example";
        using var response = await trained.Silo.Http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    private async Task<JsonElement> PredictAsync(string body)
    {
        using var response = await PostAsync(Encoding.UTF8.GetBytes(body), "application/json");
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        return JsonDocument.Parse(text).RootElement;
    }

    private async Task<HttpResponseMessage> PostAsync(byte[] body, string type)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue(type);
        return await trained.Silo.Http.PostAsync(new Uri("/api/v1/predict/late", UriKind.Relative), content);
    }

    internal static async Task AssertProblemAsync(HttpResponseMessage response, HttpStatusCode status, string code, string names)
    {
        var text = await response.Content.ReadAsStringAsync();
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        var problem = JsonDocument.Parse(text).RootElement;
        Assert.Equal(code, problem.GetProperty("code").GetString());
        Assert.Equal(status, response.StatusCode);
        Assert.Contains(names, problem.GetProperty("detail").GetString(), StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>A silo that has trained, registered and deployed the model.</summary>
    public sealed class TrainedSilo : IAsyncLifetime
    {
        public SiloProcess Silo { get; private set; } = null!;

        public RunView Run { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            Silo = await SiloProcess.StartAsync();
            Run = await Silo.RunAsync(Trips.Pipeline(Trips.WriteCsv(Silo.Folder)));
            Assert.True(Run.Status == RunStatus.Succeeded, Run.Error?.Message + "\n" + Silo.Log);
            await Silo.DeployAsync("late", "late-trip");
        }

        public ValueTask DisposeAsync() => Silo.DisposeAsync();
    }
}
