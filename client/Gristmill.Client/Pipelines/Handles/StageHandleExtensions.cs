namespace Gristmill;

/// <summary>What can be said about any stage through a handle of it.</summary>
public static class StageHandleExtensions
{
    /// <summary>Names the stage. Without it the variable that holds the handle does, or else the operation.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: not a name.</exception>
    public static T Named<T>(this T handle, string name) where T : StageHandle
    {
        ArgumentNullException.ThrowIfNull(handle);
        NameRules.Require(name, "stage");
        handle.Node.GivenName = name;
        return handle;
    }

    /// <summary>Sets how the stage is retried and limited; what is left out stays as it is.</summary>
    /// <param name="handle">A handle of the stage.</param>
    /// <param name="attempts">Attempts in all, at least 1. Default 3.</param>
    /// <param name="backoff">Wait before the second attempt; doubles each time. Default 200 ms.</param>
    /// <param name="retryErrors">Whether errors of the stage's own code are retried too. Default: only crashes and lost workers are.</param>
    /// <param name="timeout">Wall time after which an attempt is cancelled. Default: none.</param>
    /// <param name="memoryMiB">Resident memory above which the worker is ended, in MiB; shared tables do not count. Default: the server's.</param>
    /// <param name="threads">Threads the stage may use. Default: the server decides.</param>
    public static T With<T>(this T handle, int? attempts = null, TimeSpan? backoff = null, bool? retryErrors = null,
        TimeSpan? timeout = null, int? memoryMiB = null, int? threads = null) where T : StageHandle
    {
        ArgumentNullException.ThrowIfNull(handle);
        var node = handle.Node;
        Check(attempts is null or >= 1, nameof(attempts), attempts, "at least 1");
        Check(backoff is null || backoff >= TimeSpan.Zero, nameof(backoff), backoff, "not negative");
        Check(timeout is null || timeout > TimeSpan.Zero, nameof(timeout), timeout, "above zero");
        Check(memoryMiB is null or >= 1, nameof(memoryMiB), memoryMiB, "at least 1");
        Check(threads is null or >= 1, nameof(threads), threads, "at least 1");

        node.Retry = node.Retry with
        {
            MaxAttempts = attempts ?? node.Retry.MaxAttempts,
            Backoff = backoff ?? node.Retry.Backoff,
            RetryErrors = retryErrors ?? node.Retry.RetryErrors,
        };
        node.Limits = node.Limits with
        {
            Timeout = timeout ?? node.Limits.Timeout,
            MemoryMiB = memoryMiB ?? node.Limits.MemoryMiB,
            Threads = threads ?? node.Limits.Threads,
        };
        return handle;

        void Check(bool holds, string argument, object? value, string range)
        {
            if (!holds)
            {
                throw new GristmillException(ErrorCodes.Invalid, $"Stage '{node.Label}': {argument} is {value}.", $"It must be {range}.");
            }
        }
    }

    /// <summary>Starts the stage only when others have finished, though it takes no data from them.</summary>
    public static T After<T>(this T handle, params ReadOnlySpan<StageHandle> others) where T : StageHandle
    {
        ArgumentNullException.ThrowIfNull(handle);
        foreach (var other in others)
        {
            handle.Node.Owner.RequireEarlier(other.Node, handle.Node);
            handle.Node.After.Add(other.Node);
        }

        return handle;
    }

    /// <summary>Runs the stage only if a condition holds; otherwise it is skipped, and so is what needs it.</summary>
    public static T When<T>(this T handle, Condition condition) where T : StageHandle
    {
        ArgumentNullException.ThrowIfNull(handle);
        ArgumentNullException.ThrowIfNull(condition);
        handle.Node.Owner.SetCondition(handle.Node, condition);
        return handle;
    }
}
