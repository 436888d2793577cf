using Gristmill.Grains.Pipelines;
using Microsoft.Extensions.Logging;
using Orleans.Storage;

namespace Gristmill.Grains.Runs;

// The end of all that is kept of a run.
internal sealed partial class RunGrain
{
    /// <summary>As long as a caller waits for what nobody sees any more; a call must end well before the cluster gives it up.</summary>
    private static readonly TimeSpan RemovalPatience = TimeSpan.FromSeconds(15);

    private Task _removal = Task.CompletedTask;

    public async Task RemoveAsync()
    {
        await ReadyAsync();
        if (!_outcome.Value.Removed)
        {
            await MarkRemovedAsync();
        }

        await JoinRemovalAsync();
    }

    /// <summary>Stores that the run is to go; from then on nobody sees it.</summary>
    private async Task MarkRemovedAsync()
    {
        Require();
        // What the end still has to do, such as telling the index, must not come after the removal.
        await _ended.ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext | ConfigureAwaitOptions.SuppressThrowing);
        if (_outcome.Value.IsFinal && !_outcome.Value.Removed && await this.GetReminder(ReminderName) is not null)
        {
            // It ended, but its silo may have died before everybody knew.
            await TellTriggersAsync();
        }

        await _writing.EnterAsync();
        try
        {
            if (_outcome.Value.Removed)
            {
                return;
            }

            Require();
            if (!_outcome.Value.IsFinal)
            {
                throw new GristmillException(ErrorCodes.Conflict, $"Run '{Id}' has not ended.", "'mill cancel' ends it; then it can be removed.").With("run", Id);
            }

            // First what finishes the removal: a reminder of a run that stays after all removes itself.
            await this.RegisterOrUpdateReminder(ReminderName, ReminderPeriod, ReminderPeriod);
            await _outcome.SetAsync(_outcome.Value with { Removed = true });
        }
        catch (InconsistentStateException)
        {
            // Another activation wrote in the meantime: this one's memory is out of date.
            DeactivateOnIdle();
            throw;
        }
        finally
        {
            _writing.Leave();
        }

        LogRemoving(Id, Counts.Total);
    }

    /// <summary>Removes what is left, or waits for the removal that is under way; not for ever, as one of many stages takes its time and goes on by itself.</summary>
    private async Task JoinRemovalAsync()
    {
        var removal = _removal.IsCompleted ? _removal = RemovePartsAsync() : _removal;
        if (await Task.WhenAny(removal, Task.Delay(RemovalPatience, time)) == removal)
        {
            await removal;
        }
        else
        {
            removal.Ignore();
        }
    }

    /// <summary>Removes in an order that can be gone through again from the start, should it break off: what names the rest goes last.</summary>
    private async Task RemovePartsAsync()
    {
        try
        {
            if (_definition.Value.Exists)
            {
                // Where people find runs comes first.
                await Retry.TransientAsync(() => GrainFactory.GetGrain<IPipelineControlGrain>(Pipeline).OnRunRemovedAsync(Id), time);
                await index.RemoveAsync(Id);
                await RemoveStagesAsync();
                // Again, with what attempts that took long to die have logged since.
                await index.RemoveAsync(Id);
                await _definition.ClearAsync();
            }

            // The mark outlives the definition: without it a definition would be a run to be started.
            await _outcome.ClearAsync();
            await Retry.TransientAsync(RemoveReminderAsync, time);
        }
        catch (Exception e)
        {
            // The reminder, or the next call, goes on.
            LogRemovalBrokenOff(Id, e);
            if (e is InconsistentStateException)
            {
                DeactivateOnIdle();
            }

            throw;
        }

        LogRemoved(Id);
        DeactivateOnIdle();
    }

    /// <summary>Removes the stages, and each page that names some once they are gone.</summary>
    private async Task RemoveStagesAsync()
    {
        var over = _outcome.Value;
        if (over.Pages.IsEmpty)
        {
            await RemoveStagesAsync(over.Stages);
        }

        foreach (var page in over.Pages.Concat(over.EarlierPages))
        {
            // One that is gone already has no stages: they went before it.
            await RemoveStagesAsync(await Retry.TransientAsync(() => pages.FindAsync(page), time));
            await Retry.TransientAsync(() => pages.RemoveAsync(page), time);
        }
    }

    private async Task RemoveStagesAsync(IReadOnlyList<StageView> stages)
    {
        // What never started has no state, unless it had one before a retry that did not come to it.
        var stored = stages.Where(stage => stage.Attempts > 0 || _outcome.Value.Retries > 0);
        foreach (var some in stored.Chunk(AsksAtOnce))
        {
            await Task.WhenAll(some.Select(stage => Retry.TransientAsync(() => GrainFactory.GetGrain<IStageGrain>($"{Id}/{stage.Name}").RemoveAsync(), time)));
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Run {Run} with {Stages} stages is being removed")]
    private partial void LogRemoving(string run, int stages);

    [LoggerMessage(Level = LogLevel.Information, Message = "Run {Run} is removed")]
    private partial void LogRemoved(string run);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Run {Run} is not removed whole yet; its reminder goes on")]
    private partial void LogRemovalBrokenOff(string run, Exception exception);
}
