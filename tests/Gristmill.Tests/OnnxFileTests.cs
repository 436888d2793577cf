using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Gristmill.Engines.Onnx;
using Gristmill.Hosting;

namespace Gristmill;

/// <summary>A user's ONNX file, through a server: measured, registered, deployed, and asked over HTTP.</summary>
public sealed class OnnxFileTests(OnnxFileTests.Served served) : IClassFixture<OnnxFileTests.Served>
{
    private static readonly float[] s_weights = [1 / 400f, 1 / 20f];
    private const float Bias = -2.5f;

    [Theory]
    [InlineData(1450, 29)]
    [InlineData(20, 0.5)]
    public async Task A_binary_model_gives_the_file_s_own_probability(double distance, double weight)
    {
        var row = Assert.Single((await PredictAsync("parcel-file", new { weight, distance })).EnumerateArray());

        Assert.Equal(Probability(distance, weight), row.GetProperty("score").GetDouble(), 1e-6);
        Assert.Equal(Probability(distance, weight) >= 0.5, row.GetProperty("label").GetBoolean());
    }

    [Fact]
    public async Task A_file_taken_in_without_a_word_hands_out_its_outputs()
    {
        var rows = await PredictAsync("parcel-tensors", new object[] { new { x = (double[])[1450, 29] }, new { x = (double[])[20, 0.5] } });

        Assert.Equal(2, rows.GetArrayLength());
        Assert.Equal(Probability(1450, 29), rows[0].GetProperty("y").GetDouble(), 1e-6);
        Assert.Equal(Probability(20, 0.5), rows[1].GetProperty("y").GetDouble(), 1e-6);
    }

    [Theory]
    [InlineData("parcel-file", """[{"distance":1,"weight":2},{"distance":null,"weight":2}]""", ErrorCodes.BadValue, "distance", 1)]
    [InlineData("parcel-file", """[{"distance":"NaN","weight":2}]""", ErrorCodes.BadValue, "distance", 0)]
    [InlineData("parcel-file", """[{"distance":1e39,"weight":2}]""", ErrorCodes.BadValue, "distance", 0)]
    [InlineData("parcel-file", """[{"distance":1}]""", ErrorCodes.UnknownColumn, "weight", 0)]
    [InlineData("parcel-file", """[{"distance":1,"weight":2,"carrier":"Snail"}]""", ErrorCodes.UnknownColumn, "carrier", 0)]
    [InlineData("parcel-file", """[{"distance":"far","weight":2}]""", ErrorCodes.TypeMismatch, "distance", 0)]
    [InlineData("parcel-file", """[{"distance":1,"distance":1,"weight":2}]""", ErrorCodes.Invalid, "distance", 0)]
    [InlineData("parcel-tensors", """[{"x":[1,2]},{"x":[1,2,3]}]""", ErrorCodes.BadValue, "x", 1)]
    [InlineData("parcel-tensors", """[{"x":[1,null]}]""", ErrorCodes.TypeMismatch, "x", 0)]
    [InlineData("parcel-ids", """[{"a":1.0},{"a":1.5}]""", ErrorCodes.TypeMismatch, "a", 1)]
    [InlineData("parcel-ids", """[{"a":9223372036854775808}]""", ErrorCodes.BadValue, "a", 0)]
    [InlineData("parcel-doubles", """[{"a":1e309}]""", ErrorCodes.BadValue, "a", 0)]
    [InlineData("parcel-tensors", """[{"x":null}]""", ErrorCodes.BadValue, "x", 0)]
    public async Task What_it_cannot_take_is_refused_by_field_and_row(string deployment, string body, string code, string column, int row)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var answer = await served.Silo.Http.PostAsync(new Uri($"/api/v1/predict/{deployment}", UriKind.Relative), content, TestContext.Current.CancellationToken);
        var problem = await answer.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal(code, problem.GetProperty("code").GetString());
        Assert.Contains($"'{column}'", problem.GetProperty("detail").GetString());
        Assert.Equal(column, problem.GetProperty("details").GetProperty("column").GetString());
        Assert.Equal($"{row}", problem.GetProperty("details").GetProperty("row").GetString());
    }

    [Theory]
    [InlineData("parcel-ids", "9007199254740993")]
    [InlineData("parcel-ids", "-9223372036854775808")]
    [InlineData("parcel-doubles", "0.1234567890123456")]
    [InlineData("parcel-doubles", "16777217")]
    public async Task A_number_goes_through_the_file_s_own_type(string deployment, string number)
    {
        using var content = new StringContent($$"""[{"a":0},{"a":{{number}}}]""", Encoding.UTF8, "application/json");
        using var answer = await served.Silo.Http.PostAsync(new Uri($"/api/v1/predict/{deployment}", UriKind.Relative), content, TestContext.Current.CancellationToken);

        Assert.Contains($$"""[{"y":0},{"y":{{number}}}]""", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("parcel-file")]
    [InlineData("parcel-tensors")]
    public async Task It_is_exported_as_it_came_in(string model) => Assert.Equal(
        OnnxModels.Logistic(s_weights, Bias),
        await served.Silo.Http.GetByteArrayAsync(new Uri($"/api/v1/models/{model}/export?format=onnx&version=1", UriKind.Relative), TestContext.Current.CancellationToken));

    [Fact]
    public async Task A_file_that_is_none_fails_the_run_by_name()
    {
        var path = Path.Combine(served.Silo.Folder, "broken.onnx");
        await File.WriteAllTextAsync(path, "no model at all", TestContext.Current.CancellationToken);

        var run = await served.Silo.RunAsync(Pipeline.Create("broken", p => p.Register("broken", p.ImportOnnx(path))));

        Assert.Equal((RunStatus.Failed, ErrorCodes.ModelFormat), (run.Status, run.Error!.Code));
    }

    private static double Probability(double distance, double weight) => 1 / (1 + Math.Exp(-((distance * s_weights[0]) + (weight * s_weights[1]) + Bias)));

    private async Task<JsonElement> PredictAsync(string deployment, object rows)
    {
        using var answer = await served.Silo.Http.PostAsJsonAsync(new Uri($"/api/v1/predict/{deployment}", UriKind.Relative), rows, TestContext.Current.CancellationToken);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        return (await answer.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("predictions");
    }

    /// <summary>A server that took the file in twice: as a binary model over two columns, and as it stands.</summary>
    public sealed class Served : IAsyncLifetime
    {
        public SiloProcess Silo { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            Silo = await SiloProcess.StartAsync();
            var path = Path.Combine(Silo.Folder, "parcels.onnx");
            await File.WriteAllBytesAsync(path, OnnxModels.Logistic(s_weights, Bias));
            var ids = await WriteIdentityAsync("ids.onnx", OnnxModels.Int64);
            var doubles = await WriteIdentityAsync("doubles.onnx", OnnxModels.Double);
            var csv = Parcels.WriteCsv(Silo.Folder);
            var pipeline = Pipeline.Create("parcels-by-file", p =>
            {
                var raw = p.Read.Csv(csv);
                var rows = p.Sql($"select carrier, cast(distance as float) as distance, cast(weight as float) as weight, late from {raw}");
                var file = p.ImportOnnx(path, columns: ["distance", "weight"], task: ModelTask.Binary, label: "late");
                var tensors = p.ImportOnnx(path);
                var best = p.Best(Metric.Auc, over: rows, among: [file]);
                p.Register("parcel-file", best, when: best.Score > 0.7);
                p.Register("parcel-tensors", tensors);
                p.Register("parcel-ids", p.ImportOnnx(ids));
                p.Register("parcel-doubles", p.ImportOnnx(doubles));
            });
            Assert.Equal(0, await Mill.RunAsync(pipeline, ["--cluster", Silo.Http.BaseAddress!.AbsoluteUri]));
            foreach (var model in new[] { "parcel-file", "parcel-tensors", "parcel-ids", "parcel-doubles" })
            {
                await Silo.DeployAsync(model, model);
            }
        }

        private async Task<string> WriteIdentityAsync(string name, int type)
        {
            var path = Path.Combine(Silo.Folder, name);
            await File.WriteAllBytesAsync(path, OnnxModels.Single("Identity", [("a", type, [])], (type, [])));
            return path;
        }

        public ValueTask DisposeAsync() => Silo.DisposeAsync();
    }
}
