using System.Collections.Immutable;
using System.Text.Json;
using Gristmill.Grains.Testing;
using Orleans.Core.Internal;
using static Gristmill.Grains.Testing.Specs;

namespace Gristmill.Grains.Triggers;

/// <summary>Triggers of objects against a real silo and a web server. The clock is put forward to the next look, and the trigger woken as its timer would.</summary>
public sealed class TriggerObjectTests : IClassFixture<ClusterFixture>, IAsyncLifetime
{
    private static readonly TimeSpan Poll = TimeSpan.FromHours(1);
    private static readonly ImmutableDictionary<string, string> None = ImmutableDictionary<string, string>.Empty;

    private readonly ObjectServer _server = new();
    private readonly TestCluster _cluster;
    private readonly string _name = $"t-{Guid.NewGuid():N}"[..20];

    public TriggerObjectTests(ClusterFixture fixture)
    {
        _cluster = fixture.Cluster;
        _cluster.Executor.Reset();
    }

    private ITriggerGrain Trigger => _cluster.Client.GetGrain<ITriggerGrain>(_name);

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await Trigger.RemoveAsync();
        await _server.DisposeAsync();
    }

    private async Task<TriggerSpec> SpecAsync(ObjectArrival? source = null)
    {
        var pipeline = Pipeline(Stage("a"));
        await _cluster.Client.GetGrain<IPipelineGrain>(pipeline.Name).RegisterAsync(pipeline);
        return new TriggerSpec { Name = _name, Pipeline = pipeline.Name, Object = source ?? new ObjectArrival { Url = _server.Url, Poll = Poll } };
    }

    private async Task AddAsync(TriggerSpec? spec = null) => await Trigger.PutAsync(spec ?? await SpecAsync(), onlyNew: false);

    private async Task LookAsync()
    {
        _cluster.Clock.Forward(Poll);
        await _cluster.Client.GetGrain<ITriggerControlGrain>(_name).WakeAsync();
    }

    /// <summary>Ids of the firings, oldest first, without what they all begin with.</summary>
    private async Task<string[]> FiredAsync() =>
        [.. (await Trigger.ListFiringsAsync(100, 0)).Reverse().Select(firing => firing.Id.Replace($"object:{_server.Url}@", "", StringComparison.Ordinal))];

    [Fact]
    public async Task What_is_there_does_not_fire_and_each_new_version_does_once()
    {
        _server.Put("v1");
        await AddAsync();
        await LookAsync();
        Assert.Empty(await FiredAsync());

        _server.Put("v2");
        await LookAsync();
        await LookAsync();
        Assert.Equal(["v2"], await FiredAsync());

        // Versions that come again are new events, and start runs of their own.
        foreach (var tag in (string[])["v1", "v2", "v2", "v1"])
        {
            _server.Put(tag);
            await LookAsync();
        }

        Assert.Equal(["v2", "v1", "v2#3", "v1#4"], await FiredAsync());
        var firings = await Trigger.ListFiringsAsync(10, 0);
        Assert.All(firings, firing => Assert.Equal((FiringOutcome.Started, new DateTimeOffset(2025, 1, 1, 10, 20, 30, TimeSpan.Zero)), (firing.Outcome, firing.Scheduled)));
        Assert.Equal(4, firings.Select(firing => firing.Run).Distinct().Count());
    }

    [Fact]
    public async Task It_is_not_asked_for_sooner_than_the_next_look()
    {
        _server.Put("v1");
        await AddAsync();
        var control = _cluster.Client.GetGrain<ITriggerControlGrain>(_name);
        await LookAsync();

        _server.Put("v2");
        await control.WakeAsync();
        _cluster.Clock.Forward(Poll - TimeSpan.FromMinutes(5));
        await control.WakeAsync();
        Assert.Equal(2, _server.Requests.Count);
        Assert.Empty(await FiredAsync());
        _cluster.Clock.Forward(TimeSpan.FromMinutes(5));
        await control.WakeAsync();
        Assert.Equal(["v2"], await FiredAsync());
    }

    [Fact]
    public async Task It_is_looked_at_by_itself()
    {
        _server.Put("v1");
        await AddAsync(await SpecAsync(new ObjectArrival { Url = _server.Url, Poll = TimeSpan.FromSeconds(1) }));

        _server.Put("v2");

        await TestCluster.UntilAsync(async () => (await Trigger.GetAsync())!.Firings == 1);
    }

    [Fact]
    public async Task What_appears_fires_and_fires_again_when_it_was_gone()
    {
        await AddAsync();
        await LookAsync();
        Assert.Empty(await FiredAsync());

        _server.Put("v1");
        await LookAsync();
        _server.Refuse(410);
        await LookAsync();
        Assert.Equal(["v1"], await FiredAsync());
        _server.Put("v1");
        await LookAsync();

        Assert.Equal(["v1", "v1#2"], await FiredAsync());
        Assert.Null((await Trigger.GetAsync())!.Problem);
        Assert.Equal(2, (await Trigger.ListFiringsAsync(10, 0)).Select(firing => firing.Run).Distinct().Count());
    }

    [Fact]
    public async Task What_is_there_fires_when_that_is_asked_for_and_its_values_are_the_runs()
    {
        _server.Put("it's \"v1\"; drop table", bytes: 7);
        var spec = await SpecAsync(new ObjectArrival { Url = _server.Url, Poll = Poll, Existing = true });
        var pipeline = Pipeline(Stage("a")) with
        {
            Parameters =
            [
                new ParameterSpec("url", ParameterType.String), new ParameterSpec("etag", ParameterType.String),
                new ParameterSpec("size", ParameterType.Integer), new ParameterSpec("modified", ParameterType.Timestamp),
            ],
        };
        await _cluster.Client.GetGrain<IPipelineGrain>(pipeline.Name).RegisterAsync(pipeline);
        await AddAsync(spec with
        {
            Pipeline = pipeline.Name,
            Parameters = None.Add("url", "\"{{object.url}}\"").Add("etag", "\"{{object.etag}}\"").Add("size", "\"{{object.size}}\"").Add("modified", "\"{{object.modified}}\""),
        });

        await LookAsync();
        await LookAsync();

        var firing = Assert.Single(await Trigger.ListFiringsAsync(10, 0));
        var run = await _cluster.EndOfAsync(firing.Run!);
        Assert.Equal(RunStatus.Succeeded, run.Status);
        Assert.Equal(_server.Url, JsonSerializer.Deserialize<string>(run.Parameters["url"]));
        Assert.Equal("it's \"v1\"; drop table", JsonSerializer.Deserialize<string>(run.Parameters["etag"]));
        Assert.Equal("7", run.Parameters["size"]);
        Assert.Equal(new DateTimeOffset(2025, 1, 1, 10, 20, 30, TimeSpan.Zero), JsonSerializer.Deserialize<DateTimeOffset>(run.Parameters["modified"]));
    }

    [Fact]
    public async Task An_activation_that_goes_takes_nothing_with_it()
    {
        _server.Put("v1");
        await AddAsync();
        await AgainAsync();
        Assert.Empty(await FiredAsync());
        _server.Put("v2");
        await AgainAsync();
        await AgainAsync();
        await AgainAsync();

        Assert.Equal(["v2"], await FiredAsync());

        async Task AgainAsync()
        {
            var asked = _server.Requests.Count;
            await Trigger.AsReference<IGrainManagementExtension>().DeactivateOnIdle();
            // Only an activation that is new looks before the time of the next look.
            await TestCluster.UntilAsync(async () =>
            {
                await _cluster.Client.GetGrain<ITriggerControlGrain>(_name).WakeAsync();
                return _server.Requests.Count > asked;
            });
        }
    }

    [Theory]
    [InlineData(403)]
    [InlineData(503)]
    public async Task A_server_that_refuses_is_a_problem_that_goes_away(int status)
    {
        _server.Put("v1");
        await AddAsync();

        _server.Refuse(status);
        await LookAsync();
        var problem = (await Trigger.GetAsync())!.Problem!;
        Assert.Equal((ErrorCodes.ObjectUnseen, $"{status}"), (problem.Code, problem.Details["status"]));
        _server.Put("v1");
        await LookAsync();
        Assert.Null((await Trigger.GetAsync())!.Problem);
        Assert.Empty(await FiredAsync());

        _server.Refuse(status);
        await LookAsync();
        await LookAsync();
        _server.Put("v2");
        await LookAsync();
        Assert.Equal(["v2"], await FiredAsync());
        // Told once each time, not with each look.
        Assert.Equal(2, _cluster.Logs.Lines.Count(line => line.Contains(_name, StringComparison.Ordinal) && line.Contains("cannot see its source", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("s", "a secret of tests")]
    [InlineData("sas", TestSecrets.Query)]
    public async Task A_secret_reaches_the_server_and_nothing_else(string secret, string value)
    {
        _server.Put("v1");
        await AddAsync(await SpecAsync(new ObjectArrival { Url = _server.Url, Poll = Poll, Secret = secret }));
        _server.Put("v2");
        await LookAsync();
        Assert.Equal(["v2"], await FiredAsync());
        _server.Refuse(401);
        await LookAsync();

        Assert.Equal(3, _server.Requests.Count);
        Assert.All(_server.Requests, request => Assert.Contains(value, $"{request.Target} {request.Headers.GetValueOrDefault("Authorization")}", StringComparison.Ordinal));
        var view = await Trigger.GetAsync();
        Assert.Equal(ErrorCodes.ObjectUnseen, view!.Problem?.Code);
        Assert.Contains(_cluster.Logs.Lines, line => line.Contains(_name, StringComparison.Ordinal));
        var shown = string.Join('\n', [GristmillJson.Serialize(view), GristmillJson.Serialize(await Trigger.ListFiringsAsync(10, 0)), .. _cluster.Logs.Lines]);
        foreach (var part in (string[])[value, Uri.EscapeDataString(value), "c2VjcmV0"])
        {
            Assert.DoesNotContain(part, shown, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task What_cannot_be_seen_is_refused_and_nothing_is_stored()
    {
        async Task RefusedAsync(string code, ObjectArrival source)
        {
            var spec = await SpecAsync(source);
            Assert.Equal(code, (await Assert.ThrowsAsync<GristmillException>(() => Trigger.PutAsync(spec, onlyNew: false))).Code);
            Assert.Null(await Trigger.GetAsync());
        }

        await RefusedAsync(ErrorCodes.SecretMissing, new ObjectArrival { Url = _server.Url, Secret = "nobody-has-this" });
        await RefusedAsync(ErrorCodes.Invalid, new ObjectArrival { Url = "ftp://host/x" });
        _server.Refuse(403);
        await RefusedAsync(ErrorCodes.ObjectUnseen, new ObjectArrival { Url = _server.Url });
        await RefusedAsync(ErrorCodes.ObjectUnseen, new ObjectArrival { Url = _server.Url, Existing = true });
    }

    [Fact]
    public async Task A_change_of_the_trigger_keeps_what_was_seen_of_the_same_object_and_forgets_another()
    {
        _server.Put("v1");
        await AddAsync();
        _server.Put("v2");
        var spec = (await Trigger.GetAsync())!.Spec;
        await AddAsync(spec with { Object = spec.Object! with { Poll = Poll / 2 } });
        await LookAsync();
        Assert.Equal(["v2"], await FiredAsync());

        _server.Put("v3");
        await AddAsync(spec with { Object = spec.Object! with { Url = _server.Url + "?other" } });
        await LookAsync();
        Assert.Equal(["v2"], await FiredAsync());
    }

    [Fact]
    public async Task What_a_full_queue_would_skip_stays_until_there_is_room()
    {
        _server.Put("v1");
        var gate = _cluster.Executor.Hold("a");
        await AddAsync(await SpecAsync() with { Concurrency = ConcurrencyPolicy.Queue, QueueLimit = 1 });
        foreach (var tag in (string[])["v2", "v3", "v4", "v5"])
        {
            _server.Put(tag);
            await LookAsync();
        }

        Assert.Equal(["v2", "v3"], await FiredAsync());
        gate.Released.SetResult();
        await TestCluster.UntilAsync(async () => (await Trigger.GetAsync())!.Queued == 0);
        await LookAsync();

        Assert.Equal(["v2", "v3", "v5"], await FiredAsync());
        Assert.DoesNotContain(await Trigger.ListFiringsAsync(10, 0), firing => firing.Outcome == FiringOutcome.Skipped);
    }

    [Fact]
    public async Task A_paused_trigger_asks_nobody_and_fires_for_the_newest_when_it_is_resumed()
    {
        _server.Put("v1");
        await AddAsync();
        await Trigger.PauseAsync();
        _server.Put("v2");
        await LookAsync();
        _server.Put("v3");
        Assert.Single(_server.Requests);

        await Trigger.ResumeAsync();
        await LookAsync();

        Assert.Equal(["v3"], await FiredAsync());
    }
}
