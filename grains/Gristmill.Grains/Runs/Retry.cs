using Orleans.Storage;

namespace Gristmill.Grains.Runs;

/// <summary>Tries again what fails for reasons that pass.</summary>
internal static class Retry
{
    private const int TransientTries = 8;

    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(5);

    /// <summary>Repeats a grain call that failed because a silo was lost, a call timed out or the store was busy: about ten seconds in all.</summary>
    public static async Task<T> TransientAsync<T>(Func<Task<T>> call, TimeProvider time)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await call();
            }
            catch (Exception e) when (attempt < TransientTries && IsTransient(e))
            {
                await Task.Delay(Delay(attempt), time);
            }
        }
    }

    /// <inheritdoc cref="TransientAsync{T}"/>
    public static async Task TransientAsync(Func<Task> call, TimeProvider time) => await TransientAsync(
        async () =>
        {
            await call();
            return true;
        },
        time);

    /// <summary>Repeats a write until the store takes it: for outcomes that must not be lost while this activation lives.</summary>
    public static async Task StorageAsync(Func<Task> write, TimeProvider time, Action<Exception> refused)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await write();
                return;
            }
            catch (Exception e) when (e is not InconsistentStateException)
            {
                refused(e);
                await Task.Delay(Delay(attempt), time);
            }
        }
    }

    private static bool IsTransient(Exception exception) =>
        exception is OrleansException or TimeoutException or GristmillException { Code: ErrorCodes.StorageBusy };

    public static TimeSpan Delay(int attempt) =>
        TimeSpan.FromTicks(Math.Min(FirstDelay.Ticks << Math.Min(attempt - 1, 16), LongestDelay.Ticks));
}
