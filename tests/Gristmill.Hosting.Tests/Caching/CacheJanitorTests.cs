using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

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

    private sealed class ShiftedClock : TimeProvider
    {
        private TimeSpan _shift;

        public void Forward(TimeSpan by) => _shift += by;

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + _shift;
    }

    private sealed class EmbeddedSilo(IHost host, ShiftedClock clock, string csv) : IAsyncDisposable
    {
        public ShiftedClock Clock => clock;

        public static async Task<EmbeddedSilo> StartAsync(string folder, Action<GristmillOptions> configure)
        {
            var clock = new ShiftedClock();
            var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
            builder.UseOrleans(silo => silo.UseGristmill(options =>
            {
                options.DataDirectory = Path.Combine(folder, "data");
                options.ObjectDirectory = Path.Combine(folder, "objects");
                options.Executor = ExecutorKind.InProcess;
                configure(options);
            }));
            builder.Services.AddSingleton<TimeProvider>(clock);
            var host = builder.Build();
            await host.StartAsync();
            return new EmbeddedSilo(host, clock, Trips.WriteCsv(folder));
        }

        public async Task<RunView> RunAsync()
        {
            var pipeline = Pipeline.Create("kept", p => p.Sql($"select carrier, count(*) as n from {p.Read.Csv(csv)} group by carrier order by carrier").Named("carriers"));
            var grains = host.Services.GetRequiredService<IGrainFactory>();
            await grains.RegisterPipelineAsync(pipeline.Spec);
            var id = await grains.GetGrain<IPipelineGrain>("kept").StartRunAsync(new RunRequest());
            await foreach (var change in grains.GetGrain<IRunGrain>(id).WatchAsync())
            {
                if (change.Run is { Ended: not null } over)
                {
                    return over;
                }
            }

            throw new InvalidOperationException("The run has no end.");
        }

        public Task<int> CleanAsync() => host.Services.GetServices<IHostedService>().OfType<ObjectJanitor>().Single().CleanAsync(CancellationToken.None);

        public async ValueTask DisposeAsync()
        {
            await host.StopAsync();
            await ((IAsyncDisposable)host).DisposeAsync();
        }
    }
}
