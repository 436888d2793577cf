namespace Gristmill.Grains.Runs;

public sealed class RetryDecisionTests
{
    private static readonly ErrorInfo NotFound = new ErrorInfo(ErrorCodes.StageFailed, "no") with
    {
        Details = System.Collections.Immutable.ImmutableDictionary<string, string>.Empty
            .Add("exception", "System.IO.FileNotFoundException").Add("exceptionBases", "System.IO.IOException"),
    };

    [Theory]
    [InlineData("stage.failed", true), InlineData("timeout", false), InlineData("FileNotFoundException", true), InlineData("System.IO.FileNotFoundException", true)]
    [InlineData("IOException", true), InlineData("Exception", false), InlineData("NotFoundException", false), InlineData("O.IOException", false)]
    public void Errors_are_told_apart_by_code_and_by_type(string name, bool retried) =>
        Assert.Equal(retried, RetryDecision.Retries(new RetryPolicy { On = [name] }, NotFound));

    [Fact]
    public void Without_a_list_the_flag_decides_and_crashes_always_are()
    {
        Assert.False(RetryDecision.Retries(new RetryPolicy(), NotFound));
        Assert.True(RetryDecision.Retries(new RetryPolicy { RetryErrors = true }, NotFound));
        Assert.True(RetryDecision.Retries(new RetryPolicy { On = ["timeout"] }, new ErrorInfo(ErrorCodes.WorkerCrashed, "SIGSEGV")));
        Assert.False(RetryDecision.Retries(new RetryPolicy { RetryErrors = true }, new ErrorInfo(ErrorCodes.Cancelled, "no")));
        Assert.False(RetryDecision.Retries(new RetryPolicy { RetryErrors = true }, new ErrorInfo(ErrorCodes.SecretMissing, "no")));
    }

    [Theory]
    [InlineData(1, null, null, 0.2), InlineData(2, null, null, 0.4), InlineData(3, 3.0, null, 1.8), InlineData(100, null, null, 300), InlineData(1000, 100.0, null, 300)]
    [InlineData(4, null, 1.0, 1), InlineData(50, 1.0, null, 0.2)]
    public void Waits_grow_by_the_factor_up_to_the_longest(int attempt, double? factor, double? longest, double seconds) => Assert.Equal(
        seconds,
        RetryDecision.Backoff(new RetryPolicy { Factor = factor, MaxBackoff = longest is { } s ? TimeSpan.FromSeconds(s) : null }, attempt, 0.5).TotalSeconds,
        precision: 3);

    [Fact]
    public void Chance_shortens_a_wait_by_the_jitter_at_most()
    {
        var policy = new RetryPolicy { Backoff = TimeSpan.FromSeconds(10), Jitter = 0.3 };
        Assert.Equal([10, 8.5, 7], new[] { 0, 0.5, 1 }.Select(chance => Math.Round(RetryDecision.Backoff(policy, 1, chance).TotalSeconds, 6)));
    }
}
