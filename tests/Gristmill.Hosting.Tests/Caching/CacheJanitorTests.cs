namespace Gristmill.Hosting.Caching;

/// <summary>Which tables stay for the result cache when their runs' retention has ended, on a silo in this process whose clock is put forward.</summary>
public sealed class CacheJanitorTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gristmill-janitor-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Tables_that_later_stages_may_take_over_outlive_their_run()
    {
        await using var silo = await EmbeddedSilo.StartAsync(_folder, static _ => { });
        var first = await silo.RunAsync();
        silo.Clock.Forward(TimeSpan.FromHours(2));
        Assert.Equal(0, await silo.CleanAsync());
        Assert.Equal(first.Stages.Length, (await silo.RunAsync()).CacheHits);
    }

    [Fact]
    public async Task What_is_above_the_limit_goes_and_is_computed_again()
    {
        await using var silo = await EmbeddedSilo.StartAsync(_folder, static options => options.CacheMaxBytes = 1);
        var first = await silo.RunAsync();
        Assert.Equal(first.Stages.Length, (await silo.RunAsync()).CacheHits);
        silo.Clock.Forward(TimeSpan.FromHours(2));
        Assert.Equal(first.Stages.Length, await silo.CleanAsync());
        Assert.Equal(0, await silo.CleanAsync());
        var again = await silo.RunAsync();
        Assert.Equal((RunStatus.Succeeded, 0), (again.Status, again.CacheHits));
    }

    [Fact]
    public async Task What_nobody_has_used_for_long_goes()
    {
        await using var silo = await EmbeddedSilo.StartAsync(_folder, static options => options.CacheMaxAge = TimeSpan.FromDays(1));
        var first = await silo.RunAsync();
        silo.Clock.Forward(TimeSpan.FromHours(25));
        Assert.Equal(first.Stages.Length, await silo.CleanAsync());
    }

    [Fact]
    public async Task Without_the_cache_nothing_outlives_its_run()
    {
        await using var silo = await EmbeddedSilo.StartAsync(_folder, static options => options.Cache = false);
        var first = await silo.RunAsync();
        Assert.Equal(0, (await silo.RunAsync()).CacheHits);
        silo.Clock.Forward(TimeSpan.FromHours(2));
        Assert.Equal(2 * first.Stages.Length, await silo.CleanAsync());
    }
}
