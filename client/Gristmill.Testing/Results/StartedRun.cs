namespace Gristmill.Testing;

/// <summary>A run that goes on while the test does something else.</summary>
public sealed class StartedRun
{
    private readonly TestCluster _cluster;

    internal StartedRun(TestCluster cluster, string id)
    {
        _cluster = cluster;
        Id = id;
    }

    /// <summary>Its id.</summary>
    public string Id { get; }

    /// <summary>The run as it stands.</summary>
    public async Task<TestRun> GetAsync() => await _cluster.WholeAsync((await _cluster.Grains.GetGrain<IRunGrain>(Id).GetAsync())!);

    /// <summary>Cancels it.</summary>
    public Task CancelAsync() => _cluster.Grains.GetGrain<IRunGrain>(Id).CancelAsync();

    /// <summary>Waits until it has ended, skipping time where it waits for a timer (<see cref="TestClusterOptions.SkipTime"/>).</summary>
    /// <exception cref="TimeoutException">It takes longer than <see cref="TestClusterOptions.Patience"/>; the message says what it waits for.</exception>
    public Task<TestRun> WaitAsync(CancellationToken cancellationToken = default) => _cluster.WaitAsync(Id, cancellationToken);
}
