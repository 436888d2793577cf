using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Apache.Arrow;
using Apache.Arrow.Ipc;
using Apache.Arrow.Types;

namespace Gristmill.Hosting;

/// <summary>
/// Null, NaN and missing fields in predictions over HTTP: the model says for each field whether something stands in for
/// them. Here the distance is imputed with 300, the carrier is a category, and the hour has to be given.
/// </summary>
public sealed class MissingValueTests(MissingValueTests.Deployed deployed) : IClassFixture<MissingValueTests.Deployed>
{
    [Theory]
    [InlineData("""{"hour":22,"distance":null,"carrier":"DD"}""")]
    [InlineData("""{"hour":22,"distance":"NaN","carrier":"DD"}""")]
    [InlineData("""{"hour":22,"carrier":"DD"}""")]
    public async Task An_imputed_field_is_answered_with_its_stand_in(string body)
    {
        var given = await ScoreAsync("""{"hour":22,"distance":300,"carrier":"DD"}""");

        Assert.Equal(given, await ScoreAsync(body));
        Assert.NotEqual(given, await ScoreAsync("""{"hour":22,"distance":2900,"carrier":"DD"}"""));
    }

    [Fact]
    public async Task A_category_without_a_value_is_one_never_seen()
    {
        var unseen = await ScoreAsync("""{"hour":22,"distance":300,"carrier":"never-seen"}""");

        Assert.Equal(unseen, await ScoreAsync("""{"hour":22,"distance":300,"carrier":null}"""));
        Assert.Equal(unseen, await ScoreAsync("""{"hour":22,"distance":300}"""));
    }

    [Theory]
    [InlineData("""[{"hour":1,"distance":1,"carrier":"DD"},{"hour":null,"distance":300,"carrier":"DD"}]""", ErrorCodes.BadValue, "hour", 1)]
    [InlineData("""{"hour":"NaN","distance":300,"carrier":"DD"}""", ErrorCodes.BadValue, "hour", 0)]
    [InlineData("""{"hour":1e300,"distance":300,"carrier":"DD"}""", ErrorCodes.BadValue, "hour", 0)]
    [InlineData("""{"rows":[{"hour":1,"distance":1,"carrier":"DD"},{"distance":300,"carrier":"DD"}]}""", ErrorCodes.UnknownColumn, "hour", 1)]
    [InlineData("""{"hour":"22","distance":300,"carrier":"DD"}""", ErrorCodes.TypeMismatch, "hour", 0)]
    [InlineData("""[{"hour":1,"carrier":"DD"},{"hour":1},{"hour":1,"distance":true}]""", ErrorCodes.TypeMismatch, "distance", 2)]
    [InlineData("""{"hour":1,"distance":300,"carrier":["DD"]}""", ErrorCodes.TypeMismatch, "carrier", 0)]
    public async Task What_nothing_stands_in_for_is_refused_by_field_and_row(string body, string code, string column, int row)
    {
        using var answer = await PostAsync(new StringContent(body, Encoding.UTF8, "application/json"));

        await AssertRefusedAsync(answer, code, column, row);
    }

    [Fact]
    public async Task A_table_is_held_to_the_same_policy()
    {
        using var imputed = await PostAsync(Table([22, 21], [null, double.NaN]));
        Assert.Equal(HttpStatusCode.OK, imputed.StatusCode);
        using var reader = new ArrowStreamReader(await imputed.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        using var predicted = (await reader.ReadNextRecordBatchAsync(TestContext.Current.CancellationToken))!;
        Assert.Equal((float)await ScoreAsync("""{"hour":22,"carrier":"DD"}"""), ((FloatArray)predicted.Column("score")).GetValue(0));

        using var refused = await PostAsync(Table([22, null], [300, 300]));
        await AssertRefusedAsync(refused, ErrorCodes.BadValue, "hour", 1);
    }

    private static async Task AssertRefusedAsync(HttpResponseMessage answer, string code, string column, int row)
    {
        await EndToEndTests.AssertProblemAsync(answer, HttpStatusCode.BadRequest, code, $"'{column}'");
        var details = JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement.GetProperty("details");
        Assert.Equal(column, details.GetProperty("column").GetString());
        Assert.Equal($"{row}", details.GetProperty("row").GetString());
    }

    private static ByteArrayContent Table(double?[] hours, double?[] distances)
    {
        var hour = new DoubleArray.Builder();
        var distance = new DoubleArray.Builder();
        var carrier = new StringArray.Builder();
        for (var i = 0; i < hours.Length; i++)
        {
            hour.Append(hours[i]);
            distance.Append(distances[i]);
            carrier.Append("DD");
        }

        var schema = new Schema([new("hour", DoubleType.Default, true), new("distance", DoubleType.Default, true), new("carrier", StringType.Default, true)], null);
        using var batch = new RecordBatch(schema, [hour.Build(), distance.Build(), carrier.Build()], hours.Length);
        using var stream = new MemoryStream();
        using (var writer = new ArrowStreamWriter(stream, schema, leaveOpen: true))
        {
            writer.WriteRecordBatch(batch);
            writer.WriteEnd();
        }

        var content = new ByteArrayContent(stream.ToArray());
        content.Headers.ContentType = new MediaTypeHeaderValue("application/vnd.apache.arrow.stream");
        return content;
    }

    private async Task<double> ScoreAsync(string body)
    {
        using var answer = await PostAsync(new StringContent(body, Encoding.UTF8, "application/json"));
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, text);
        return JsonDocument.Parse(text).RootElement.GetProperty("predictions")[0].GetProperty("score").GetDouble();
    }

    private async Task<HttpResponseMessage> PostAsync(HttpContent content)
    {
        using (content)
        {
            return await deployed.Silo.Http.PostAsync(new Uri("/api/v1/predict/strict", UriKind.Relative), content, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>A silo that serves a model which takes some fields without a value and others not.</summary>
    public sealed class Deployed : IAsyncLifetime
    {
        public SiloProcess Silo { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            Silo = await SiloProcess.StartAsync();
            var csv = Trips.WriteCsv(Silo.Folder);
            var run = await Silo.RunAsync(Pipeline.Create("strict", p =>
            {
                var raw = p.Read.Csv(csv);
                var rows = p.Sql($"select hour, distance, carrier, delay > 15 as late from {raw}");
                var features = Features.None.Number("hour").ImputeConstant(300, "distance").Category("carrier");
                p.Register("strict", p.Train.LightGbm(rows, label: "late", features: features));
            }));
            Assert.True(run.Status == RunStatus.Succeeded, run.Error?.Message + "\n" + Silo.Log);
            await Silo.DeployAsync("strict", "strict");
        }

        public ValueTask DisposeAsync() => Silo.DisposeAsync();
    }
}
