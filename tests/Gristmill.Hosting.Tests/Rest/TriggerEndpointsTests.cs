using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Text;
using Gristmill.Client;

namespace Gristmill.Hosting;

/// <summary>Triggers over REST, against the real silo program.</summary>
public sealed class TriggerEndpointsTests : IAsyncLifetime
{
    private const string Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    private static readonly PipelineSpec Orders = new()
    {
        Name = "orders",
        Parameters = [new ParameterSpec("order", ParameterType.Integer, "0"), new ParameterSpec("who", ParameterType.String, "\"\"")],
        Stages = [new StageSpec { Name = "take", Operation = StageOperations.NoOp }],
    };

    private static readonly TriggerSpec Hook = new()
    {
        Name = "order-hook",
        Pipeline = "orders",
        Webhook = new WebhookSource { Secret = "orders", MaxBytes = 1000 },
        Parameters = ImmutableDictionary<string, string>.Empty.Add("order", "\"{{body.order.id}}\"").Add("who", "\"{{body.order.who}}\""),
    };

    private SiloProcess _silo = null!;

    public async ValueTask InitializeAsync()
    {
        _silo = await SiloProcess.StartAsync();
        var secrets = Directory.CreateDirectory(Path.Combine(_silo.DataDirectory, "secrets")).FullName;
        await File.WriteAllTextAsync(Path.Combine(secrets, "orders"), Secret);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(Path.Combine(secrets, "orders"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        using var client = Connect();
        await client.RegisterPipelineAsync(Orders);
    }

    public ValueTask DisposeAsync() => _silo.DisposeAsync();

    private GristmillClient Connect() => new(_silo.Http.BaseAddress!.AbsoluteUri);

    private async Task<HttpResponseMessage> SendAsync(string id, string body, DateTimeOffset? at = null, string? signature = null, string trigger = "order-hook")
    {
        var time = at ?? DateTimeOffset.UtcNow;
        var bytes = Encoding.UTF8.GetBytes(body);
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"/api/v1/hooks/{trigger}", UriKind.Relative)) { Content = new ByteArrayContent(bytes) };
        request.Headers.Add(WebhookSignature.IdHeader, id);
        request.Headers.Add(WebhookSignature.TimestampHeader, time.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture));
        request.Headers.TryAddWithoutValidation(WebhookSignature.SignatureHeader, signature ?? WebhookSignature.Sign(Secret, id, time, bytes));
        return await _silo.Http.SendAsync(request, TestContext.Current.CancellationToken);
    }

    private static async Task RefusedAsync(Task<HttpResponseMessage> sending, HttpStatusCode status, string code, string names)
    {
        using var response = await sending;
        await EndToEndTests.AssertProblemAsync(response, status, code, names);
    }

    [Fact]
    public async Task A_signed_request_starts_a_run_once_and_nothing_else_does()
    {
        using var client = Connect();
        var view = await client.PutTriggerAsync(Hook, cancellationToken: TestContext.Current.CancellationToken);
        Assert.DoesNotContain(Secret, GristmillJson.Serialize(view), StringComparison.Ordinal);
        const string body = """{"order":{"id":7,"who":"\"; drop table --"}}""";

        using var taken = await SendAsync("m1", body);
        var firing = await SiloProcess.ReadAsync<TriggerFiring>(taken);
        Assert.Equal((HttpStatusCode.Accepted, FiringOutcome.Started), (taken.StatusCode, firing.Outcome));
        var run = await _silo.FinishAsync(firing.Run!);
        Assert.Equal(("7", "\"\\\"; drop table --\""), (run.Parameters["order"], run.Parameters["who"]));

        // What a trigger has started is found by its name, and shown with it.
        var found = await client.SearchRunsAsync(new RunQuery { Filter = "trigger = \"order-hook\" and partition is null" }, TestContext.Current.CancellationToken);
        Assert.Equal((firing.Run, "order-hook"), (Assert.Single(found.Runs).Id, found.Runs[0].Trigger));
        Assert.Empty((await client.SearchRunsAsync(new RunQuery { Filter = "trigger != 'order-hook'" }, TestContext.Current.CancellationToken)).Runs);

        await RefusedAsync(SendAsync("m1", body), HttpStatusCode.Conflict, ErrorCodes.WebhookReplayed, "m1");
        await RefusedAsync(SendAsync("m2", body, signature: "v1,AAAA"), HttpStatusCode.Unauthorized, ErrorCodes.WebhookSignature, "signature");
        await RefusedAsync(SendAsync("m2", body, signature: " "), HttpStatusCode.Unauthorized, ErrorCodes.WebhookSignature, "sign");
        await RefusedAsync(SendAsync("m2", body, DateTimeOffset.UtcNow.AddMinutes(-6)), HttpStatusCode.Unauthorized, ErrorCodes.WebhookExpired, "signed at");
        await RefusedAsync(SendAsync("m2", body, DateTimeOffset.UtcNow.AddMinutes(6)), HttpStatusCode.Unauthorized, ErrorCodes.WebhookExpired, "signed at");
        await RefusedAsync(SendAsync("m2", new string(' ', 1001)), HttpStatusCode.RequestEntityTooLarge, ErrorCodes.WebhookTooLarge, "1000");
        await RefusedAsync(SendAsync("m2", "not json"), HttpStatusCode.BadRequest, ErrorCodes.Invalid, "JSON");
        await RefusedAsync(SendAsync("m2", body, trigger: "nobody"), HttpStatusCode.NotFound, ErrorCodes.NotFound, "nobody");

        await _silo.KillAsync();
        await _silo.StartAsync();
        await RefusedAsync(SendAsync("m1", body), HttpStatusCode.Conflict, ErrorCodes.WebhookReplayed, "m1");
        using var again = Connect();
        Assert.Single(await again.ListFiringsAsync("order-hook", cancellationToken: TestContext.Current.CancellationToken));
        Assert.DoesNotContain(Secret, _silo.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_schedule_is_added_shown_paused_fired_and_removed()
    {
        using var client = Connect();
        var spec = new TriggerSpec { Name = "nightly", Pipeline = "orders", Cron = new CronSchedule("0 3 * * *", "Europe/Berlin") };
        var token = TestContext.Current.CancellationToken;

        Assert.NotNull((await client.PutTriggerAsync(spec, replace: false, token)).Next);
        Assert.Equal(ErrorCodes.Conflict, await CodeAsync(() => client.PutTriggerAsync(spec with { Description = "x" }, replace: false, token)));
        Assert.Equal(ErrorCodes.Cron, await CodeAsync(() => client.PutTriggerAsync(spec with { Name = "bad", Cron = new CronSchedule("every day") }, true, token)));
        Assert.Equal(ErrorCodes.SecretMissing, await CodeAsync(() => client.PutTriggerAsync(Hook with { Name = "bad", Webhook = new WebhookSource { Secret = "nothing" } }, true, token)));
        Assert.Equal(["nightly"], (await client.ListTriggersAsync("orders", cancellationToken: token)).Select(trigger => trigger.Spec.Name));
        Assert.Empty(await client.ListTriggersAsync("others", cancellationToken: token));
        Assert.Empty(await client.ListTriggersAsync(after: "nightly", cancellationToken: token));

        Assert.True((await client.PauseTriggerAsync("nightly", token)).Paused);
        await _silo.KillAsync();
        await _silo.StartAsync();
        using var again = Connect();
        Assert.True((await again.GetTriggerAsync("nightly", token)).Paused);
        Assert.False((await again.ResumeTriggerAsync("nightly", token)).Paused);
        var fired = await again.FireTriggerAsync("nightly", new TriggerFireRequest { IdempotencyKey = "k" }, token);
        Assert.Equal(fired.Run, (await again.FireTriggerAsync("nightly", new TriggerFireRequest { IdempotencyKey = "k" }, token)).Run);
        Assert.Equal(RunStatus.Succeeded, (await _silo.FinishAsync(fired.Run!)).Status);
        Assert.Equal(fired.Run, Assert.Single(await again.ListFiringsAsync("nightly", cancellationToken: token)).Run);
        await again.DeleteTriggerAsync("nightly", token);
        Assert.Equal(ErrorCodes.NotFound, await CodeAsync(() => again.GetTriggerAsync("nightly", token)));
    }

    [Fact]
    public async Task One_idempotency_key_is_one_run_and_for_another_request_a_conflict()
    {
        async Task<HttpResponseMessage> StartAsync(string key, string order)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri("/api/v1/pipelines/orders/runs", UriKind.Relative))
            {
                Content = SiloProcess.Json(new RunRequest { Parameters = ImmutableDictionary<string, string>.Empty.Add("order", order) }),
            };
            request.Headers.Add("Idempotency-Key", key);
            return await _silo.Http.SendAsync(request, TestContext.Current.CancellationToken);
        }

        var same = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => StartAsync("same", "1")));
        Assert.Single((await Task.WhenAll(same.Select(SiloProcess.ReadAsync<RunStarted>))).Distinct());

        var mixed = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => StartAsync("mixed", i % 2 == 0 ? "1" : "2")));
        Assert.Equal(4, mixed.Count(response => response.StatusCode == HttpStatusCode.Accepted));
        Assert.Equal(4, mixed.Count(response => response.StatusCode == HttpStatusCode.Conflict));
        Assert.Single((await Task.WhenAll(mixed.Where(response => response.IsSuccessStatusCode).Select(SiloProcess.ReadAsync<RunStarted>))).Distinct());
        await RefusedAsync(StartAsync("same", "2"), HttpStatusCode.Conflict, ErrorCodes.IdempotencyKeyReused, "same");

        await _silo.KillAsync();
        await _silo.StartAsync();
        await RefusedAsync(StartAsync("same", "2"), HttpStatusCode.Conflict, ErrorCodes.IdempotencyKeyReused, "same");
        using var repeated = await StartAsync("same", "1");
        Assert.Equal(HttpStatusCode.Accepted, repeated.StatusCode);
    }

    private static async Task<string> CodeAsync<T>(Func<Task<T>> call) => (await Assert.ThrowsAsync<GristmillException>(call)).Code;
}
