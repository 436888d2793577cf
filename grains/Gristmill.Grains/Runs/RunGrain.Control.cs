using System.Collections.Immutable;
using Gristmill.Grains.Objects;
using Microsoft.Extensions.Logging;
using Orleans.Storage;

namespace Gristmill.Grains.Runs;

// Pause, go on, retry.
internal sealed partial class RunGrain
{
    public Task PauseAsync() => SetPausedAsync(true);

    public Task ContinueAsync() => SetPausedAsync(false);

    public async Task RetryAsync()
    {
        await ReadyAsync();
        Require();
        // What the end still has to do, such as removing the reminder, must not come after the new start.
        await _ended.ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext | ConfigureAwaitOptions.SuppressThrowing);
        await _writing.EnterAsync();
        try
        {
            Require();
            if (!_outcome.Value.IsFinal || _outcome.Value.Status == RunStatus.Succeeded)
            {
                throw new GristmillException(
                    ErrorCodes.Conflict,
                    $"Run '{Id}' {(_outcome.Value.IsFinal ? "has succeeded" : "has not ended")}: there is nothing to retry.",
                    _outcome.Value.IsFinal ? "'mill rerun' starts a new run of it." : "'mill cancel' ends it.").With("run", Id);
            }

            var lost = await FindLostAsync();
            // What runs at the exit runs again: the run ends anew.
            var exit = (_definition.Value.Spec ?? await specs.GetAsync(_definition.Value.Source!)).Stages.Where(static stage => stage.OnExit).Select(static stage => stage.Name);
            // As at the start: a reminder without a run that goes on removes itself.
            await this.RegisterOrUpdateReminder(ReminderName, ReminderPeriod, ReminderPeriod);
            await _outcome.SetAsync(new RunOutcome
            {
                Retries = _outcome.Value.Retries + 1,
                Lost = [.. lost.Union(exit).Order(StringComparer.Ordinal)],
                Started = _outcome.Value.Started,
                // Not removed now: a page whose stages all stay as they are is one of the next end's as well.
                EarlierPages = [.. _outcome.Value.EarlierPages.Concat(_outcome.Value.Pages).DistinctBy(static page => page.Blob.Digest)],
            });
        }
        catch (InconsistentStateException)
        {
            // Another activation wrote in the meantime: this one's memory is out of date.
            Leave();
            throw;
        }
        finally
        {
            _writing.Leave();
        }

        LogRetrying(Id, _outcome.Value.Retries);
        await StartAnewAsync();
    }

    /// <summary>Goes on from what the stages know, once a new number of retries is stored.</summary>
    private async Task StartAnewAsync()
    {
        (_ending, _knowsAll, _lossesStand, _irreparable) = (false, false, false, null);
        _graph = null;
        index.Show(Projection([]));
        _ready = RecoverAsync();
        await TellPipelineAsync(Summary());
        await _ready;
    }

    private async Task SetPausedAsync(bool paused)
    {
        await ReadyAsync();
        Require();
        await _writing.EnterAsync();
        try
        {
            if (_outcome.Value.IsFinal)
            {
                throw new GristmillException(
                    ErrorCodes.Conflict, $"Run '{Id}' has ended.", "'mill retry' lets a failed run go on, 'mill rerun' starts a new one.").With("run", Id);
            }

            if (_outcome.Value.Paused == paused)
            {
                return;
            }

            await _outcome.SetAsync(_outcome.Value with { Paused = paused, Started = _started });
        }
        finally
        {
            _writing.Leave();
        }

        LogPaused(Id, paused);
        await ReadyAsync();
        if (paused)
        {
            _chain?.Pause();
        }

        if (_watchers.Any)
        {
            _watchers.Publish(null, Status, Counts, paused);
        }

        TellPipelineAsync(Summary()).Ignore();
        Advance();
    }

    /// <summary>
    /// Stages whose outputs are gone though others still need them: those that will start anew, and in turn what the lost ones
    /// are made of. Files are looked for outside of the turn.
    /// </summary>
    private async Task<ImmutableArray<string>> FindLostAsync()
    {
        var spec = _definition.Value.Spec ?? await specs.GetAsync(_definition.Value.Source!);
        var all = new List<StageView>(Counts.Total);
        for (int? at = 0; !Pages.IsEmpty && at is { } offset;)
        {
            var page = await pages.GetAsync(Pages, Counts, offset, MaxPage, null);
            all.AddRange(page.Stages);
            at = page.Next;
        }

        // Of a stage of a loop there is one an item: "train[2]".
        var views = (Pages.IsEmpty ? Views : all).ToLookup(static view => view.Name.Split('[')[0], StringComparer.Ordinal);
        var grains = GrainFactory; // which only turns may ask for
        return await Task.Run<ImmutableArray<string>>(async () =>
        {
            var again = views.SelectMany(static views => views).Where(static view => view.Status is StageStatus.Failed or StageStatus.Cancelled or StageStatus.Pending or StageStatus.Running)
                .Select(static view => view.Name.Split('[')[0]).ToHashSet(StringComparer.Ordinal);
            var lost = new HashSet<string>(StringComparer.Ordinal);
            // Inputs refer to earlier stages only: from the last to the first, each stage is decided before what it needs.
            foreach (var stage in spec.Stages.Reverse())
            {
                if (!again.Contains(stage.Name))
                {
                    continue;
                }

                foreach (var input in stage.Inputs.Values)
                {
                    foreach (var from in views[input.Stage])
                    {
                        if (from.Status == StageStatus.Succeeded && from.Outputs.TryGetValue(input.Output, out var artifact) && !await fingerprints.HoldsAsync(grains, artifact))
                        {
                            lost.Add(from.Name);
                            again.Add(input.Stage);
                        }
                    }
                }
            }

            return [.. lost.Order(StringComparer.Ordinal)];
        });
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Run {Run} goes on: retry {Retry}")]
    private partial void LogRetrying(string run, int retry);

    [LoggerMessage(Level = LogLevel.Information, Message = "Run {Run}: paused {Paused}")]
    private partial void LogPaused(string run, bool paused);
}
