using Gristmill.Grains.Runs;

namespace Gristmill.Grains;

/// <summary>What hosting asks of runs' grains.</summary>
public static class RunIndexExtensions
{
    /// <summary>Has the index of runs take a run in anew; a run that is unknown changes nothing.</summary>
    public static Task IndexRunAsync(this IGrainFactory grains, string run)
    {
        ArgumentNullException.ThrowIfNull(grains);
        return grains.GetGrain<IRunControlGrain>(run).IndexAsync();
    }
}
