using System.Collections.Immutable;
using System.Text.Json;
using Gristmill.Grains.Clocks;

namespace Gristmill.Grains.Runs;

// What a run does by itself: skips, joins, loops, and its exit.
internal sealed partial class RunGrain
{
    public async Task<InstancePage> ListInstancesAsync(string stage, string within, int offset)
    {
        await ReadyAsync();
        if (_graph is null)
        {
            throw new GristmillException(ErrorCodes.Conflict, $"Run '{Id}' is over.");
        }

        ImmutableArray<string?> names = [.. _graph.Instances(stage, within).Skip(offset).Take(InstancesAtOnce)];
        return new InstancePage(names, names.Length == InstancesAtOnce ? offset + names.Length : null);
    }

    /// <summary>
    /// Asks all stages how they stand. What they say makes loops grow again, and so further stages to ask: the last thing that
    /// this activation's predecessor did may have been to start them.
    /// </summary>
    private async Task RestoreAsync()
    {
        for (var asked = 0; asked < _graph!.Views.Count;)
        {
            var from = asked;
            asked = _graph.Views.Count;
            await AskAsync([.. Enumerable.Range(from, asked - from).Where(i => _graph.Views[i].Status == StageStatus.Pending && !_graph.Template(i).IsControl)]);
            await SettleAsync();
        }

        if (_outcome.Value.Exit is { } exit)
        {
            _graph.BeginExit(ExitReason(exit.Status), exit.Ended);
        }
    }

    /// <summary>Does what follows from how the stages stand without starting any: skips, joins and loops.</summary>
    private async Task SettleAsync()
    {
        var startable = new List<int>();
        while (_graph!.TryTakeReady(out var i))
        {
            var decision = StageDecision.Of(i, _graph, _definition.Value, _spec!.Code, stopping: null, exit: null);
            if (decision.Start is not null)
            {
                startable.Add(i);
            }
            else if (decision.List is { } list)
            {
                await LoopOverAsync(i, list);
            }
            else
            {
                Settle(i, decision);
            }
        }

        startable.ForEach(_graph.PutBack);
    }

    /// <summary>Takes over what was decided for a stage that is not to be executed.</summary>
    private void Settle(int i, StageDecision decision)
    {
        var (now, view) = (time.GetUtcNow(), _graph!.Views[i]);
        if (decision.Items is not { } items)
        {
            Take(i, decision switch
            {
                { SkipReason: { } reason } => view with { Status = StageStatus.Skipped, Reason = reason, Ended = now },
                { CancelReason: { } reason } => view with { Status = StageStatus.Cancelled, Reason = reason, Ended = now },
                { Outputs: { } outputs } => view with { Status = StageStatus.Succeeded, Outputs = outputs, Started = now, Ended = now },
                _ => view with { Status = StageStatus.Failed, Error = decision.Error, Ended = now },
            });
            return;
        }

        try
        {
            using var list = JsonDocument.Parse(items);
            if (LoopOptions.ItemsProblem(list.RootElement) is { } problem)
            {
                throw new GristmillException(ErrorCodes.BadValue, $"Loop '{view.Name}': {problem}.", "Give it a list of fewer or smaller items.");
            }

            _graph.Expand(i, [.. list.RootElement.EnumerateArray().Select(static item => item.GetRawText())], now);
            TakeChanges();
        }
        catch (GristmillException e)
        {
            Take(i, view with { Status = StageStatus.Failed, Error = e.Error, Ended = now });
        }
    }

    private async Task StartLoopAsync(int i, ValueRef list)
    {
        try
        {
            await LoopOverAsync(i, list);
        }
        finally
        {
            _starting--;
            Advance();
        }
    }

    /// <summary>Asks the stage that returned a list for it, and loops over it.</summary>
    private async Task LoopOverAsync(int i, ValueRef list)
    {
        try
        {
            var json = await StageValues.ReadAsync(GrainFactory, Id, list, time);
            Settle(i, StageDecision.Over(json));
        }
        catch (Exception e)
        {
            LogStageNotStarted(Id, _graph!.Views[i].Name, e);
            Take(i, _graph.Views[i] with { Status = StageStatus.Failed, Error = GristmillException.Describe(e), Ended = time.GetUtcNow() });
        }
    }

    /// <summary>Stores how the run ended and lets the stages start that run at its exit.</summary>
    private async Task ExitAsync()
    {
        var (now, status) = (time.GetUtcNow(_started ?? _definition.Value.Created), EndStatus());
        var exit = new ExitStatus
        {
            Run = Id,
            Pipeline = Pipeline,
            Status = status,
            Error = status == RunStatus.Failed ? Error : null,
            FailedStage = Error?.Details.GetValueOrDefault("stage"),
            Created = _definition.Value.Created,
            Ended = now,
        };
        await _writing.EnterAsync();
        try
        {
            // Cancelled while this waited for its turn: then it ended so.
            exit = _outcome.Value.CancelRequested ? exit with { Status = RunStatus.Cancelled, Error = null } : exit;
            await Retry.StorageAsync(() => _outcome.SetAsync(_outcome.Value with { Exit = exit, Started = _started }), time, e => LogEndNotStored(Id, e));
        }
        finally
        {
            _writing.Leave();
        }

        _graph!.BeginExit(ExitReason(exit.Status), now);
        TakeChanges();
        _ending = false;
        Advance();
    }

    private RunStatus EndStatus() =>
        _outcome.Value.Exit?.Status ?? (_outcome.Value.CancelRequested ? RunStatus.Cancelled : _graph!.Failure is null ? RunStatus.Succeeded : RunStatus.Failed);

    private string ExitReason(RunStatus status) =>
        status == RunStatus.Cancelled ? "the run was cancelled" : $"stage '{Error?.Details.GetValueOrDefault("stage")}' failed";

    /// <summary>Tells the watchers of loops that changed with their items.</summary>
    private void TakeChanges()
    {
        while (_graph!.TryTakeChanged(out var i))
        {
            if (_watchers.Any)
            {
                _watchers.Publish(_graph.Views[i], Status, _graph.Counts, Paused);
            }
        }
    }
}
