using System.Collections.Immutable;

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
        handle.Node.GivenName = handle.Node.Prefix + name;
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
    /// <param name="heartbeatTimeout">Longest silence: without a report of progress or a heartbeat for longer, the attempt is ended and retried. Default: none.</param>
    public static T With<T>(this T handle, int? attempts = null, TimeSpan? backoff = null, bool? retryErrors = null,
        TimeSpan? timeout = null, int? memoryMiB = null, int? threads = null, TimeSpan? heartbeatTimeout = null) where T : StageHandle
    {
        ArgumentNullException.ThrowIfNull(handle);
        var node = handle.Node;
        Check(attempts is null or >= 1, nameof(attempts), attempts, "at least 1");
        Check(backoff is null || backoff >= TimeSpan.Zero, nameof(backoff), backoff, "not negative");
        Check(timeout is null || timeout > TimeSpan.Zero, nameof(timeout), timeout, "above zero");
        Check(memoryMiB is null or >= 1, nameof(memoryMiB), memoryMiB, "at least 1");
        Check(heartbeatTimeout is null || heartbeatTimeout >= TimeSpan.FromMilliseconds(200), nameof(heartbeatTimeout), heartbeatTimeout, "at least 0.2 s");
        Check(threads is null or >= 1, nameof(threads), threads, "at least 1");

        var (retry, limits) = (node.Settings.Retry, node.Settings.Limits);
        node.Settings = node.Settings with
        {
            Retry = retry with
            {
                MaxAttempts = attempts ?? retry.MaxAttempts,
                Backoff = backoff ?? retry.Backoff,
                RetryErrors = retryErrors ?? retry.RetryErrors,
            },
            Limits = limits with
            {
                Timeout = timeout ?? limits.Timeout,
                MemoryMiB = memoryMiB ?? limits.MemoryMiB,
                Threads = threads ?? limits.Threads,
                HeartbeatTimeout = heartbeatTimeout ?? limits.HeartbeatTimeout,
            },
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

    /// <summary>Says whether an earlier result of the same code, options and inputs may be taken over in place of an execution.</summary>
    /// <param name="handle">A handle of the stage.</param>
    /// <param name="policy">
    /// <see cref="CachePolicy.Auto"/>: unless its code or query looks as if it depended on something else, such as the clock.
    /// <see cref="CachePolicy.On"/>: also then. <see cref="CachePolicy.Off"/>: never.
    /// </param>
    /// <param name="maxStaleness">Age above which an earlier result is not taken over. Default: any age.</param>
    public static T Cache<T>(this T handle, CachePolicy policy = CachePolicy.Auto, TimeSpan? maxStaleness = null) where T : StageHandle
    {
        ArgumentNullException.ThrowIfNull(handle);
        if (!Enum.IsDefined(policy) || maxStaleness <= TimeSpan.Zero)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"Stage '{handle.Node.Label}': cache policy {policy}, maxStaleness {maxStaleness}.", "A staleness is above zero.");
        }

        var cache = policy == CachePolicy.Auto && maxStaleness is null ? null : new CacheSpec { Policy = policy, MaxStaleness = maxStaleness };
        handle.Node.Settings = handle.Node.Settings with { Cache = cache };
        return handle;
    }

    /// <summary>Sets how failed attempts are retried; what is left out stays as it is. A crash of a worker always is, up to the number of attempts.</summary>
    /// <param name="handle">A handle of the stage.</param>
    /// <param name="attempts">Attempts in all. Default 3.</param>
    /// <param name="backoff">Wait before the second attempt. Default 200 ms.</param>
    /// <param name="factor">What each wait is multiplied by to get the next. Default 2.</param>
    /// <param name="maxBackoff">Longest wait. Default 5 minutes.</param>
    /// <param name="jitter">Share of a wait, 0 to 1, by which chance shortens it. Default 0.</param>
    /// <param name="on">
    /// The errors that are retried: codes such as "timeout", and names of exception types, base types included. Empty: all of them.
    /// </param>
    public static T Retry<T>(this T handle, int? attempts = null, TimeSpan? backoff = null, double? factor = null, TimeSpan? maxBackoff = null,
        double? jitter = null, IReadOnlyCollection<string>? on = null) where T : StageHandle
    {
        ArgumentNullException.ThrowIfNull(handle);
        var retry = handle.Node.Settings.Retry;
        handle.Node.Settings = handle.Node.Settings with
        {
            Retry = retry with
            {
                MaxAttempts = attempts ?? retry.MaxAttempts,
                Backoff = backoff ?? retry.Backoff,
                RetryErrors = on is null ? true : retry.RetryErrors || on.Count == 0,
                Factor = factor ?? retry.Factor,
                MaxBackoff = maxBackoff ?? retry.MaxBackoff,
                Jitter = jitter ?? retry.Jitter,
                On = on is { Count: > 0 } ? [.. on] : retry.On,
            },
        };
        return handle;
    }

    /// <summary>Says what the stage requires of its host beyond threads and memory: <c>.Requires("gpu", 0.5)</c>. It waits until so much is free; what a host has, its silo's setting <c>Gristmill:Resources</c> says.</summary>
    /// <param name="handle">A handle of the stage.</param>
    /// <param name="resource">Its name.</param>
    /// <param name="amount">How much, in steps of a thousandth.</param>
    public static T Requires<T>(this T handle, string resource, double amount = 1) where T : StageHandle
    {
        ArgumentNullException.ThrowIfNull(handle);
        NameRules.Require(resource, "resource");
        if (amount is not (> 0 and <= 1_000_000))
        {
            throw new GristmillException(ErrorCodes.Invalid, $"Stage '{handle.Node.Label}' requires {amount} of '{resource}'.", "It must be above 0 and at most 1,000,000.");
        }

        var resources = handle.Node.Settings.Resources ?? ImmutableDictionary<string, int>.Empty;
        handle.Node.Settings = handle.Node.Settings with { Resources = resources.SetItem(resource, (int)Math.Round(amount * 1000)) };
        return handle;
    }

    /// <summary>
    /// Runs the stage also if a stage that it waits for failed. What is missing then is left out: the parameters of its method
    /// are optional. The run has failed all the same.
    /// </summary>
    public static T IgnoreUpstreamFailure<T>(this T handle) where T : StageHandle
    {
        ArgumentNullException.ThrowIfNull(handle);
        PipelineBuilder.RequireOptional(handle.Node, "ignores failures of stages before it");
        handle.Node.Settings = handle.Node.Settings with { IgnoreUpstreamFailure = true };
        return handle;
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
