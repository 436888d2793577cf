using System.Collections.Immutable;

namespace Gristmill.Worker.Tests;

public sealed class ResourceExecutorTests : IStageExecutor
{
    private readonly Dictionary<string, TaskCompletionSource<StageResult>> _running = new(StringComparer.Ordinal);

    private ResourceExecutor Executor => field ??= new(this, new Dictionary<string, double> { ["gpu"] = 1, ["licence"] = 2 });

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    Task<StageResult> IStageExecutor.ExecuteAsync(StageRequest request, IProgress<StageProgress>? progress, CancellationToken cancellationToken)
    {
        lock (_running)
        {
            return (_running[request.Stage] = new()).Task.WaitAsync(cancellationToken);
        }
    }

    [Fact]
    public async Task No_more_than_there_is_runs_at_a_time_and_the_next_begins_when_one_ends()
    {
        var (a, b, reports) = (Start("a", ("gpu", 500)), Start("b", ("gpu", 500)), new Reports());
        var c = Executor.ExecuteAsync(Request("c", ("gpu", 250)), reports, Stop);
        Assert.Equal("waits for gpu", Assert.Single(reports.All).Message);
        Assert.Equal(["a", "b"], Running);
        await EndAsync("a", a);
        await UntilAsync("b", "c");
        await EndAsync("b", b);
        await EndAsync("c", c);
    }

    [Fact]
    public async Task Who_waits_for_one_resource_holds_up_those_alone_who_want_the_same()
    {
        var first = Start("first", ("gpu", 600));
        var whole = Start("whole", ("gpu", 1000), ("licence", 1000));
        var small = Start("small", ("gpu", 100));
        var other = Start("other", ("licence", 1000));
        var none = Start("none");
        // "other" wants what "whole" is before it for.
        Assert.Equal(["first", "none"], Running);
        await EndAsync("first", first);
        await UntilAsync("none", "other", "whole");
        await EndAsync("whole", whole);
        await UntilAsync("none", "other", "small");
        await Task.WhenAll(EndAsync("none", none), EndAsync("other", other), EndAsync("small", small));
    }

    [Fact]
    public async Task One_that_is_cancelled_while_it_waits_takes_nothing_and_lets_those_behind_it_through()
    {
        var first = Start("first", ("gpu", 600));
        using var cancellation = new CancellationTokenSource();
        var waiting = Executor.ExecuteAsync(Request("waiting", ("gpu", 1000)), null, cancellation.Token);
        var behind = Start("behind", ("gpu", 400));
        Assert.Equal(["first"], Running);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        await UntilAsync("behind", "first");
        await Task.WhenAll(EndAsync("behind", behind), EndAsync("first", first));
        var all = Start("all", ("gpu", 1000), ("licence", 2000));
        Assert.Equal(["all"], Running);
        await EndAsync("all", all);
    }

    [Fact]
    public async Task An_attempt_that_fails_gives_back_what_it_had()
    {
        var first = Start("first", ("gpu", 1000));
        var second = Start("second", ("gpu", 1000));
        _running["first"].SetException(new InvalidOperationException());
        await Assert.ThrowsAsync<InvalidOperationException>(() => first);
        await UntilAsync("first", "second");
        await EndAsync("second", second);
    }

    [Theory]
    [InlineData("gpu", 1001, "1.001 of 'gpu', and this silo has 1")]
    [InlineData("tpu", 500, "0.5 of 'tpu', and this silo has 0")]
    public async Task More_than_there_is_at_all_fails_at_once_and_says_what_there_is(string resource, int amount, string text)
    {
        var error = await Assert.ThrowsAsync<GristmillException>(() => Executor.ExecuteAsync(Request("s", (resource, amount)), null, Stop));
        Assert.Equal(ErrorCodes.ResourceMissing, error.Code);
        Assert.Contains(text, error.Message, StringComparison.Ordinal);
        Assert.Empty(Running);
    }

    [Fact]
    public async Task Thousands_wait_and_all_get_their_turn()
    {
        var (held, most) = (0, 0);
        var inner = new Counting(() =>
        {
            most = Math.Max(most, Interlocked.Increment(ref held));
            return () => Interlocked.Decrement(ref held);
        });
        var executor = new ResourceExecutor(inner, new Dictionary<string, double> { ["gpu"] = 1 });
        await Task.WhenAll(Enumerable.Range(0, 5000).Select(i => Task.Run(() => executor.ExecuteAsync(Request($"s{i}", ("gpu", 200)), null, Stop))));
        Assert.InRange(most, 1, 5);
        Assert.Equal(0, held);
    }

    private string[] Running
    {
        get
        {
            lock (_running)
            {
                return [.. _running.Keys.Order(StringComparer.Ordinal)];
            }
        }
    }

    private static StageRequest Request(string stage, params (string Resource, int Amount)[] required) => new()
    {
        RunId = "r",
        Stage = stage,
        Attempt = 1,
        Epoch = 1,
        Operation = StageOperations.NoOp,
        Resources = required.Length == 0 ? null : required.ToImmutableDictionary(static r => r.Resource, static r => r.Amount),
    };

    private Task<StageResult> Start(string stage, params (string Resource, int Amount)[] required) => Executor.ExecuteAsync(Request(stage, required), null, Stop);

    private async Task EndAsync(string stage, Task<StageResult> attempt)
    {
        lock (_running)
        {
            _running.Remove(stage, out var running);
            running!.SetResult(new StageResult());
        }

        await attempt;
    }

    private async Task UntilAsync(params string[] running)
    {
        while (!Running.SequenceEqual(running))
        {
            await Task.Delay(5, Stop);
        }
    }

    private sealed class Counting(Func<Action> enter) : IStageExecutor
    {
        public async Task<StageResult> ExecuteAsync(StageRequest request, IProgress<StageProgress>? progress, CancellationToken cancellationToken)
        {
            var leave = enter();
            await Task.Yield();
            leave();
            return new StageResult();
        }
    }
}
