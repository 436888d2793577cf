using Orleans.Timers;

namespace Gristmill.Testing;

/// <summary>Tells the clock whose timer it is that a grain registers.</summary>
internal sealed class TimersOfGrains(ITimerRegistry inner) : ITimerRegistry
{
    public IGrainTimer RegisterGrainTimer<T>(IGrainContext grainContext, Func<T, CancellationToken, Task> callback, T state, GrainTimerCreationOptions options)
    {
        ArgumentNullException.ThrowIfNull(grainContext);
        using (TestClock.Owned(grainContext.GrainId.Type))
        {
            return inner.RegisterGrainTimer(grainContext, callback, state, options);
        }
    }

    [Obsolete("As Orleans' own.")]
    public IDisposable RegisterTimer(IGrainContext grainContext, Func<object?, Task> callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(grainContext);
        using (TestClock.Owned(grainContext.GrainId.Type))
        {
            return inner.RegisterTimer(grainContext, callback, state, dueTime, period);
        }
    }
}
