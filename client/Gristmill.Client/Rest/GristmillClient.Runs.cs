using System.Globalization;
using System.Runtime.CompilerServices;

namespace Gristmill.Client;

public sealed partial class GristmillClient
{
    private static readonly TimeSpan LogPoll = TimeSpan.FromMilliseconds(250);

    /// <summary>Pauses a run: running stages finish, no new ones start.</summary>
    public Task<RunView> PauseRunAsync(string id, CancellationToken cancellationToken = default) => ControlAsync(id, "pause", cancellationToken);

    /// <summary>Lets a paused run go on.</summary>
    public Task<RunView> ResumeRunAsync(string id, CancellationToken cancellationToken = default) => ControlAsync(id, "resume", cancellationToken);

    /// <summary>Lets a run that failed or was cancelled go on: what it has committed stays, the other stages start anew.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Conflict"/>: it has not ended, or has succeeded.</exception>
    public Task<RunView> RetryRunAsync(string id, CancellationToken cancellationToken = default) => ControlAsync(id, "retry", cancellationToken);

    /// <summary>Removes a run that has ended, with its stages and all that they logged and printed.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Conflict"/>: it has not ended. <see cref="ErrorCodes.NotFound"/>: there is none, or not any more.</exception>
    public Task DeleteRunAsync(string id, CancellationToken cancellationToken = default) =>
        _rest.SendAsync<RestTransport.Nothing>(HttpMethod.Delete, $"runs/{Escape(id)}", null, true, cancellationToken);

    /// <summary>Starts a new run of the same version of its pipeline with the same parameters, but for those given.</summary>
    /// <param name="id">The run.</param>
    /// <param name="request">What is to be different; without a key one is made, so that repeated attempts start one run.</param>
    /// <param name="cancellationToken">Ends the call, not the run.</param>
    public async Task<string> RerunAsync(string id, RunRequest? request = null, CancellationToken cancellationToken = default)
    {
        request ??= new RunRequest();
        var key = request.IdempotencyKey ?? Guid.NewGuid().ToString("n");
        var started = await _rest.SendAsync<RunStarted>(HttpMethod.Post, $"runs/{Escape(id)}/rerun", request with { IdempotencyKey = null }, true, cancellationToken, key);
        return started.Id;
    }

    /// <summary>Puts runs side by side: parameters, metrics, times of stages, digests of code and inputs, versions.</summary>
    /// <param name="runs">2 to <see cref="ComparedRuns.MaxRuns"/> ids; of more, <see cref="GetRunRecordsAsync"/> tells parameters and metrics.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public Task<ComparedRuns> CompareRunsAsync(IReadOnlyList<string> runs, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(runs);
        return GetAsync<ComparedRuns>($"runs/compare?{string.Join('&', runs.Select(static run => $"run={Escape(run)}"))}", cancellationToken);
    }

    /// <summary>Says why a stage took an earlier result over, or did not.</summary>
    /// <param name="run">The run's id.</param>
    /// <param name="stage">The stage's name.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public Task<StageCacheView> ExplainCacheAsync(string run, string stage, CancellationToken cancellationToken = default) =>
        GetAsync<StageCacheView>($"runs/{Escape(run)}/stages/{Escape(stage)}/cache", cancellationToken);

    /// <summary>A page of what an attempt has printed.</summary>
    /// <param name="run">The run's id.</param>
    /// <param name="stage">The stage's name.</param>
    /// <param name="attempt">The attempt; null: the newest.</param>
    /// <param name="offset">Where to start: 0, or <see cref="LogPage.Next"/> of the page before.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public Task<LogPage> ReadLogAsync(string run, string stage, int? attempt = null, long offset = 0, CancellationToken cancellationToken = default) =>
        GetAsync<LogPage>(string.Create(CultureInfo.InvariantCulture,
            $"runs/{Escape(run)}/stages/{Escape(stage)}/logs?offset={offset}{(attempt is null ? "" : "&attempt=")}{attempt}"), cancellationToken);

    /// <summary>What an attempt has printed, page by page, and if it still runs what it prints, until it ends.</summary>
    /// <inheritdoc cref="ReadLogAsync"/>
    public async IAsyncEnumerable<LogPage> FollowLogAsync(
        string run, string stage, int? attempt = null, bool follow = true, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        for (long offset = 0; ;)
        {
            var page = await ReadLogAsync(run, stage, attempt, offset, cancellationToken);
            if (page.Text.Length > 0)
            {
                yield return page;
            }

            if (page.Ended || (!follow && page.Next >= page.Bytes))
            {
                yield break;
            }

            attempt = page.Attempt > 0 ? page.Attempt : attempt;
            offset = page.Next;
            if (page.Next >= page.Bytes)
            {
                await Task.Delay(LogPoll, cancellationToken);
            }
        }
    }

    private Task<RunView> ControlAsync(string id, string verb, CancellationToken cancellationToken) =>
        _rest.SendAsync<RunView>(HttpMethod.Post, $"runs/{Escape(id)}/{verb}", null, verb != "retry", cancellationToken);
}
