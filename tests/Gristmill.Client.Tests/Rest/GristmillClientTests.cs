using System.Collections.Immutable;
using System.Net;

namespace Gristmill.Client.Rest;

public sealed class GristmillClientTests
{
    private const string View = """{"name":"p","version":"0123456789abcdef","updated":"2026-01-01T00:00:00Z","versions":1}""";

    private static string Run(string status) =>
        $$"""{"id":"r1","pipeline":"p","pipelineVersion":"0123456789abcdef","status":"{{status}}","created":"2026-01-01T00:00:00Z"}""";

    private static string Event(int sequence, string status, bool whole) =>
        $"event: {(whole ? "run" : "stage")}\nid: {sequence}\ndata: {{\"sequence\":{sequence},\"status\":\"{status}\""
        + (whole ? $",\"run\":{Run(status)}" : """,\"stage\":{\"name\":\"a\",\"operation\":\"core.noop\",\"status\":\"running\"}""".Replace("\\", "", StringComparison.Ordinal))
        + "}\n\n";

    [Fact]
    public async Task A_pipeline_is_put_as_plain_json_under_its_name()
    {
        var http = new ScriptedHandler().Answer(View);
        using var client = http.Client();

        var view = await client.RegisterPipelineAsync(Pipeline.Create("p", p => p.Read.Csv("/a")).Spec);

        Assert.Equal("0123456789abcdef", view.Version);
        Assert.Equal(("PUT", "http://mill.test/base/api/v1/pipelines/p"), (http.Asked[0].Method, http.Asked[0].Address));
        Assert.Contains("\"options\":{\"format\":\"csv\",\"path\":\"/a\"}", http.Asked[0].Body);
    }

    [Fact]
    public async Task A_start_is_repeated_with_the_same_key()
    {
        var http = new ScriptedHandler().Fail(HttpRequestError.ResponseEnded).Answer("""{"id":"r1"}""", HttpStatusCode.Accepted);
        using var client = http.Client();

        var id = await client.StartRunAsync("p", new RunRequest { Parameters = ImmutableDictionary<string, string>.Empty.Add("n", "5") });

        Assert.Equal("r1", id);
        var keys = http.Asked.Select(a => a.Request.Headers.GetValues("Idempotency-Key").Single()).ToArray();
        Assert.Equal(2, keys.Length);
        Assert.Equal(keys[0], keys[1]);
        Assert.Equal("""{"parameters":{"n":5}}""", http.Asked[0].Body);
    }

    [Fact]
    public async Task Stages_are_read_page_by_page()
    {
        static string Page(string stage, string next) =>
            $$"""{"stages":[{"name":"{{stage}}","operation":"core.noop","status":"failed"}]{{next}},"counts":{"failed":2,"succeeded":5} }""";
        var http = new ScriptedHandler().Answer(Page("a", ""","next":7""")).Answer(Page("b", ""));
        using var client = http.Client();

        var stages = await client.ListStagesAsync("r 1", StageStatus.Failed, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);

        Assert.Equal(["a", "b"], stages.Select(s => s.Name));
        Assert.Equal(
            ["http://mill.test/base/api/v1/runs/r%201/stages?offset=0&limit=1000&status=failed", "http://mill.test/base/api/v1/runs/r%201/stages?offset=7&limit=1000&status=failed"],
            http.Asked.Select(a => a.Address));
    }

    [Theory]
    [InlineData(null, "http://mill.test/base/api/v1/models/a%20b/export?format=onnx")]
    [InlineData(3, "http://mill.test/base/api/v1/models/a%20b/export?format=onnx&version=3")]
    public async Task A_model_is_exported_as_the_bytes_that_come(int? version, string address)
    {
        var http = new ScriptedHandler().Answer("file", type: "application/octet-stream");
        using var client = http.Client();
        using var file = new MemoryStream();

        await client.ExportModelAsync("a b", file, version);

        Assert.Equal("file"u8, file.ToArray());
        Assert.Equal(("GET", address), (http.Asked[0].Method, http.Asked[0].Address));
    }

    [Fact]
    public async Task An_export_that_is_refused_writes_nothing()
    {
        var http = new ScriptedHandler().Answer("""{"code":"model.not_exportable","detail":"no"}""", HttpStatusCode.UnprocessableEntity, "application/problem+json");
        using var client = http.Client();
        using var file = new MemoryStream();

        Assert.Equal(ErrorCodes.NotExportable, (await Assert.ThrowsAsync<GristmillException>(() => client.ExportModelAsync("m", file))).Code);
        Assert.Equal(0, file.Length);
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_unreachable_after_all_attempts()
    {
        var http = new ScriptedHandler().Fail().Fail().Fail();
        using var client = http.Client(attempts: 3);

        var error = await Assert.ThrowsAsync<GristmillException>(() => client.GetInfoAsync());

        Assert.Equal(ErrorCodes.Unreachable, error.Code);
        Assert.Contains("mill.test", error.Message);
        Assert.Contains("mill up", error.Error.Hint);
        Assert.Equal(3, http.Asked.Count);
    }

    [Fact]
    public async Task A_problem_has_the_servers_code_hint_and_details()
    {
        var http = new ScriptedHandler().Answer(
            """{"type":"about:blank","title":"Bad","status":400,"detail":"no column 'x'","code":"data.unknown_column","hint":"use y","details":{"column":"x"}}""",
            HttpStatusCode.BadRequest, "application/problem+json");
        using var client = http.Client();

        var error = await Assert.ThrowsAsync<GristmillException>(() => client.PredictAsync("d", [new { x = 1 }]));

        Assert.Equal((ErrorCodes.UnknownColumn, "no column 'x'", "use y", "x"), (error.Code, error.Message, error.Error.Hint, error.Error.Details["column"]));
    }

    [Fact]
    public async Task An_answer_of_somebody_else_is_an_error_by_its_status()
    {
        var http = new ScriptedHandler().Answer("<html>", HttpStatusCode.NotFound, "text/html").Answer("<html>");
        using var client = http.Client();

        Assert.Equal(ErrorCodes.NotFound, (await Assert.ThrowsAsync<GristmillException>(() => client.GetRunAsync("r"))).Code);
        Assert.Contains("Gristmill server", (await Assert.ThrowsAsync<GristmillException>(() => client.GetRunAsync("r"))).Error.Hint);
    }

    [Fact]
    public async Task An_overloaded_server_is_asked_again()
    {
        var http = new ScriptedHandler()
            .Answer("""{"code":"serving.overloaded","detail":"busy"}""", HttpStatusCode.ServiceUnavailable, "application/problem+json", TimeSpan.FromMilliseconds(1))
            .Answer("""{"model":"m","version":2,"predictions":[{"score":0.25,"label":false,"margin":3}]}""");
        using var client = http.Client();

        var prediction = await client.PredictOneAsync("d", new { origin = "ATL", distance = 100 });

        Assert.Equal(0.25, prediction.Score);
        Assert.False(prediction.Label!.Value.GetBoolean());
        Assert.Equal(3, prediction.Other!["margin"].GetInt32());
        Assert.Equal("""{"rows":[{"origin":"ATL","distance":100}]}""", http.Asked[1].Body);
    }

    [Fact]
    public async Task Watching_goes_on_over_a_lost_connection()
    {
        var http = new ScriptedHandler()
            .Break(Event(1, "running", whole: true) + Event(2, "running", whole: false))
            .Answer(Event(3, "running", whole: true) + ": beat\n\n" + Event(4, "succeeded", whole: true), type: "text/event-stream");
        using var client = http.Client();

        var seen = new List<long>();
        await foreach (var change in client.WatchRunAsync("r1"))
        {
            seen.Add(change.Sequence);
        }

        Assert.Equal([1, 2, 3, 4], seen);
        Assert.Equal("2", http.Asked[1].Request.Headers.GetValues("Last-Event-ID").Single());
    }

    [Fact]
    public async Task Waiting_returns_the_run_as_it_ended()
    {
        var http = new ScriptedHandler().Answer(Event(1, "failed", whole: true), type: "text/event-stream");
        using var client = http.Client();

        Assert.Equal(RunStatus.Failed, (await client.WaitRunAsync("r1")).Status);
    }

    [Fact]
    public async Task A_watch_that_keeps_ending_is_given_up()
    {
        var http = new ScriptedHandler().Answer("", type: "text/event-stream").Answer("", type: "text/event-stream").Answer("", type: "text/event-stream");
        using var client = http.Client(attempts: 2);

        Assert.Equal(ErrorCodes.Unreachable, (await Assert.ThrowsAsync<GristmillException>(() => client.WaitRunAsync("r1"))).Code);
    }

    [Fact]
    public async Task Names_are_escaped_and_pages_are_asked_for()
    {
        var http = new ScriptedHandler().Answer("[]").Answer("", HttpStatusCode.NoContent);
        using var client = http.Client();

        Assert.Empty(await client.ListRunsAsync("a b", 10, "r9"));
        await client.DeleteDeploymentAsync("a/b");

        Assert.Equal("http://mill.test/base/api/v1/runs?limit=10&pipeline=a%20b&before=r9", http.Asked[0].Address);
        Assert.Equal("http://mill.test/base/api/v1/deployments/a%2Fb", http.Asked[1].Address);
    }

    [Fact]
    public async Task A_search_is_escaped_and_its_next_page_is_read_from_the_link()
    {
        var http = new ScriptedHandler()
            .Answer("""[{"id":"r1","pipeline":"p","status":"succeeded","created":"2026-11-25T00:00:00Z","metrics":{"train.loss":"NaN","eval.auc":0.5},"tags":{"a":"b"}}]""",
                link: "</api/v1/runs?limit=1&filter=tags.a%20%3D%20'%26page%3Dx'&page=abc_-9>; rel=\"next\"")
            .Answer("[]");
        using var client = http.Client();
        var query = new RunQuery { Filter = "tags.a = '&page=x'", Order = "metrics.eval.auc desc", Limit = 1 };

        var page = await client.SearchRunsAsync(query, TestContext.Current.CancellationToken);
        Assert.Equal((double.NaN, 0.5, "b"), (page.Runs[0].Metrics["train.loss"], page.Runs[0].Metrics["eval.auc"], page.Runs[0].Tags["a"]));
        Assert.Equal("abc_-9", page.Next);
        Assert.Null((await client.SearchRunsAsync(query with { Page = page.Next }, TestContext.Current.CancellationToken)).Next);
        Assert.Equal("http://mill.test/base/api/v1/runs?limit=1&filter=tags.a%20%3D%20%27%26page%3Dx%27&order=metrics.eval.auc%20desc&page=abc_-9", http.Asked[1].Address);
    }

    [Fact]
    public async Task Removing_a_tag_sends_its_null()
    {
        var http = new ScriptedHandler().Answer("{}");
        using var client = http.Client();
        await client.SetTagsAsync("r1", new Dictionary<string, string?> { ["a"] = null, ["B"] = "x" }, TestContext.Current.CancellationToken);

        Assert.Equal(("PATCH", """{"a":null,"B":"x"}"""), (http.Asked[0].Method, http.Asked[0].Body));
    }

    [Fact]
    public async Task A_cancelled_call_is_cancelled()
    {
        using var client = new ScriptedHandler().Answer("[]").Client();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.ListModelsAsync(new CancellationToken(true)));
    }

    [Theory]
    [InlineData("127.0.0.1:5080", "http://127.0.0.1:5080/")]
    [InlineData("https://mill.example/x", "https://mill.example/x")]
    public void Addresses_are_read(string text, string address) => Assert.Equal(address, GristmillClientOptions.ParseServer(text).AbsoluteUri);

    [Theory]
    [InlineData("ftp://x")]
    [InlineData("http://")]
    public void What_is_no_address_is_refused(string text) =>
        Assert.Equal(ErrorCodes.Invalid, Assert.Throws<GristmillException>(() => GristmillClientOptions.ParseServer(text)).Code);
}
