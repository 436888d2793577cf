using Gristmill.Grains.Testing;
using static Gristmill.Grains.Testing.Specs;

namespace Gristmill.Grains.Runs;

public sealed class SecretTests : IClassFixture<ClusterFixture>
{
    private const string Options = """{"password":{"$secret":"flow-test.door"}}""";
    private readonly TestCluster _cluster;

    public SecretTests(ClusterFixture fixture)
    {
        _cluster = fixture.Cluster;
        _cluster.Executor.Reset();
    }

    [Fact]
    public async Task A_secret_goes_to_the_attempt_alone_and_out_of_its_errors()
    {
        const string secret = "open \"sesame\" 42";
        Environment.SetEnvironmentVariable("GRISTMILL_SECRET_FLOW_TEST_DOOR", secret);
        try
        {
            var seen = new TaskCompletionSource();
            _cluster.Executor.On("a", async (request, progress, _) =>
            {
                progress!.Report(new StageProgress(0.5, $"logging in with {request.Secrets["flow-test.door"]}"));
                await seen.Task;
                throw new GristmillException(ErrorCodes.StageFailed, $"'{request.Secrets["flow-test.door"]}' is wrong", $"not {secret}")
                    .With("json", System.Text.Json.JsonSerializer.Serialize(new { password = secret }));
            });

            var id = await StartAsync();
            string? message = null;
            await TestCluster.UntilAsync(async () => (message = (await _cluster.Client.GetGrain<IRunGrain>(id).GetStageAsync("a"))?.Progress?.Message) is not null);
            Assert.Equal("logging in with ***", message);
            seen.SetResult();
            var run = await _cluster.EndOfAsync(id);

            var attempt = Assert.Single(_cluster.Executor.Attempts);
            Assert.Equal(secret, attempt.Secrets["flow-test.door"]);
            Assert.Equal(Options, attempt.Options);
            Assert.Equal("'***' is wrong", run.Error!.Message);
            Assert.DoesNotContain("sesame", GristmillJson.Serialize(run), StringComparison.Ordinal);
        }
        finally
        {
            Environment.SetEnvironmentVariable("GRISTMILL_SECRET_FLOW_TEST_DOOR", null);
        }
    }

    [Fact]
    public async Task A_missing_secret_fails_the_stage_before_it_starts_and_is_named()
    {
        var run = await _cluster.EndOfAsync(await StartAsync());

        Assert.Empty(_cluster.Executor.Attempts);
        Assert.Equal((RunStatus.Failed, ErrorCodes.SecretMissing, "flow-test.door"), (run.Status, run.Error!.Code, run.Error.Details["secret"]));
        Assert.Contains("GRISTMILL_SECRET_FLOW_TEST_DOOR", run.Error.Hint, StringComparison.Ordinal);
        Assert.Equal(1, run.Of("a").Attempts);
    }

    private Task<string> StartAsync() => _cluster.RunAsync(Pipeline(
        Stage("a") with { Operation = StageOperations.Code, Options = Options, Retry = new RetryPolicy { RetryErrors = false, MaxAttempts = 3, On = [ErrorCodes.SecretMissing] } }));
}
