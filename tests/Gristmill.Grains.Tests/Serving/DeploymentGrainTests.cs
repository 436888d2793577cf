using System.Collections.Concurrent;
using Gristmill.Grains.Testing;

namespace Gristmill.Grains.Serving;

public sealed class DeploymentGrainTests(ClusterFixture fixture) : IClassFixture<ClusterFixture>, IAsyncDisposable
{
    private readonly TestCluster _cluster = fixture.Cluster;
    private readonly List<(Watcher Watcher, IDeploymentObserver Reference)> _watchers = [];

    private IDeploymentDirectoryGrain Directory => _cluster.Client.GetGrain<IDeploymentDirectoryGrain>("router");

    [Fact]
    public async Task Watchers_are_told_before_deploying_returns()
    {
        await RegisterAsync("model-a", 2);
        var watcher = new Watcher();
        var reference = Reference(watcher);
        await Directory.WatchAsync(reference);
        var deployment = _cluster.Client.GetGrain<IDeploymentGrain>("d1");

        var first = await deployment.DeployAsync(new DeploymentSpec { Model = "model-a", Version = 1 });
        Assert.Equal(first, watcher.Changes.Last());
        var newest = await deployment.DeployAsync(new DeploymentSpec { Model = "model-a" });

        Assert.Equal((1, 1L), (first.Version, first.Generation));
        Assert.Equal((2, 2L), (newest.Version, newest.Generation));
        Assert.Equal(newest, watcher.Changes.Last());
        Assert.Equal(newest.Package, (await deployment.GetAsync())!.Package);
        Assert.Equal(2, (await deployment.DeployAsync(new DeploymentSpec { Model = "model-a" })).Generation);

        await deployment.DeleteAsync();
        Assert.Equal(("d1", 3L), watcher.Removals.Last());
        Assert.Null(await deployment.GetAsync());
        Assert.DoesNotContain(await Directory.WatchAsync(reference), static d => d.Name == "d1");
        await deployment.DeleteAsync();
        await Directory.UnwatchAsync(reference);
        var seen = watcher.Changes.Count;
        await deployment.DeployAsync(new DeploymentSpec { Model = "model-a" });
        Assert.Equal(seen, watcher.Changes.Count);
        Assert.Equal(4, (await deployment.GetAsync())!.Generation);
    }

    [Fact]
    public async Task A_directory_that_was_collected_knows_all_deployments_again()
    {
        await RegisterAsync("model-b", 1);
        await _cluster.Client.GetGrain<IDeploymentGrain>("d2").DeployAsync(new DeploymentSpec { Model = "model-b" });
        await _cluster.Cluster.DeactivateAsync(Directory);
        var watcher = new Watcher();
        var reference = Reference(watcher);

        var known = await Directory.WatchAsync(reference);

        Assert.Contains(known, static d => d is { Name: "d2", Version: 1 });
    }

    [Fact]
    public async Task A_watch_lapses_after_two_minutes_unless_renewed()
    {
        await RegisterAsync("model-c", 1);
        var (renewed, forgotten) = (new Watcher(), new Watcher());
        var first = Reference(renewed);
        await Directory.WatchAsync(first);
        await Directory.WatchAsync(Reference(forgotten));

        _cluster.Clock.Forward(TimeSpan.FromSeconds(90));
        await Directory.WatchAsync(first);
        _cluster.Clock.Forward(TimeSpan.FromSeconds(60));
        await _cluster.Client.GetGrain<IDeploymentGrain>("d3").DeployAsync(new DeploymentSpec { Model = "model-c" });

        Assert.Contains(renewed.Changes, static d => d.Name == "d3");
        Assert.Empty(forgotten.Changes);
    }

    [Fact]
    public async Task A_watcher_that_fails_does_not_keep_others_from_being_told()
    {
        await RegisterAsync("model-d", 1);
        var (bad, good) = (new Watcher { Fails = true }, new Watcher());
        await Directory.WatchAsync(Reference(bad));
        await Directory.WatchAsync(Reference(good));

        await _cluster.Client.GetGrain<IDeploymentGrain>("d4").DeployAsync(new DeploymentSpec { Model = "model-d" });

        Assert.Single(good.Changes);
        Assert.Equal(3, bad.Changes.Count);
    }

    [Fact]
    public async Task What_cannot_be_deployed_is_refused_with_the_reason()
    {
        await RegisterAsync("model-e", 2);
        var deployment = _cluster.Client.GetGrain<IDeploymentGrain>("d5");

        var noModel = await Assert.ThrowsAsync<GristmillException>(() => deployment.DeployAsync(new DeploymentSpec { Model = "nothing" }));
        var noVersion = await Assert.ThrowsAsync<GristmillException>(() => deployment.DeployAsync(new DeploymentSpec { Model = "model-e", Version = 3 }));
        var invalid = await Assert.ThrowsAsync<GristmillException>(() => deployment.DeployAsync(
            new DeploymentSpec { Model = "a b", Version = 0, MaxInFlight = 0, IdleAfter = TimeSpan.Zero }));

        Assert.Equal((ErrorCodes.NotFound, ErrorCodes.NotFound, ErrorCodes.Invalid), (noModel.Code, noVersion.Code, invalid.Code));
        Assert.Contains("its newest is 2", noVersion.Message, StringComparison.Ordinal);
        foreach (var part in new[] { "'a b'", "version 0", "maxInFlight", "idleAfter" })
        {
            Assert.Contains(part, invalid.Message, StringComparison.Ordinal);
        }

        Assert.Null(await deployment.GetAsync());
        Assert.DoesNotContain("d5", await _cluster.Client.GetGrain<ICatalogGrain>("deployments").ListAsync());
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (_, reference) in _watchers)
        {
            await Directory.UnwatchAsync(reference);
        }
    }

    /// <summary>The client holds its observers weakly: the test has to keep them.</summary>
    private IDeploymentObserver Reference(Watcher watcher)
    {
        _watchers.Add((watcher, _cluster.Client.CreateObjectReference<IDeploymentObserver>(watcher)));
        return _watchers[^1].Reference;
    }

    private async Task RegisterAsync(string name, int versions)
    {
        for (var i = 0; i < versions; i++)
        {
            await _cluster.Client.GetGrain<IModelGrain>(name).RegisterAsync(
                new RegisterModelRequest { Model = new ModelRef(new string((char)('a' + i), 64), "torch", 10), IdempotencyKey = $"{i}" });
        }
    }

    private sealed class Watcher : IDeploymentObserver
    {
        public bool Fails { get; init; }

        public ConcurrentQueue<DeploymentView> Changes { get; } = new();

        public ConcurrentQueue<(string Name, long Generation)> Removals { get; } = new();

        public Task OnChangedAsync(DeploymentView deployment)
        {
            Changes.Enqueue(deployment);
            return Fails ? throw new InvalidOperationException("bad watcher") : Task.CompletedTask;
        }

        public Task OnRemovedAsync(string name, long generation)
        {
            Removals.Enqueue((name, generation));
            return Task.CompletedTask;
        }
    }
}
