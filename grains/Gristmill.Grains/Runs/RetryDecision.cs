namespace Gristmill.Grains.Runs;

/// <summary>Whether a failed attempt is followed by another, and when.</summary>
internal static class RetryDecision
{
    private static readonly TimeSpan DefaultMax = TimeSpan.FromMinutes(5);

    /// <summary>Whether an error is of those that the policy retries. A crash always is: nobody knows whose fault it was.</summary>
    public static bool Retries(RetryPolicy policy, ErrorInfo error)
    {
        if (error.Code is ErrorCodes.WorkerCrashed or ErrorCodes.HeartbeatTimeout)
        {
            return true;
        }

        if (error.Code is ErrorCodes.Cancelled or ErrorCodes.SecretMissing)
        {
            return false;
        }

        return policy.On is { } names ? names.Any(name => Matches(name, error)) : policy.RetryErrors;
    }

    /// <summary>The wait before the attempt that follows.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="attempt">The attempt that failed, from 1.</param>
    /// <param name="chance">0 to 1: how much of the jitter is taken off.</param>
    public static TimeSpan Backoff(RetryPolicy policy, int attempt, double chance)
    {
        var longest = policy.MaxBackoff ?? (policy.Backoff > DefaultMax ? policy.Backoff : DefaultMax);
        var wait = Math.Min(policy.Backoff.TotalSeconds * Math.Pow(policy.Factor ?? 2, Math.Min(attempt - 1, 100)), longest.TotalSeconds);
        return TimeSpan.FromSeconds(wait * (1 - ((policy.Jitter ?? 0) * chance)));
    }

    private static bool Matches(string name, ErrorInfo error) =>
        name == error.Code
        || (error.Details.TryGetValue("exception", out var type) && IsType(name, type))
        || (error.Details.TryGetValue("exceptionBases", out var bases) && bases.Split(',').Any(known => IsType(name, known)));

    private static bool IsType(string name, string type) =>
        type == name || (type.EndsWith(name, StringComparison.Ordinal) && type.Length > name.Length && type[^(name.Length + 1)] is '.' or '+');
}
