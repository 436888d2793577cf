using Gristmill.Grains.Caching;
using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Runs;

// Tables that are lost under a run are made again.
internal sealed partial class RunGrain
{
    /// <summary>Losses that a run makes up for: where more are lost, something takes them away as they come.</summary>
    private const int MostLosses = 32;

    /// <summary>Whether this activation knows that what was lost is not made again.</summary>
    private bool _lossesStand;

    /// <summary>Why not, if that says more than the stage's own error.</summary>
    private ErrorInfo? _irreparable;

    /// <summary>Whether the run goes on instead of ending, as tables are to be made again.</summary>
    private bool MakesAgain()
    {
        if (_lossesStand || Losses() is not { Count: > 0 } losses)
        {
            return false;
        }

        _ = OrStepDownAsync(MakeAgainAsync(losses));
        return true;
    }

    /// <summary>Tables of this run's stages that others failed to read; none if the run is not to go on anyway.</summary>
    private List<ErrorInfo> Losses()
    {
        if (_outcome.Value is not { CancelRequested: false, Exit: null } || _graph!.Failure is null)
        {
            return [];
        }

        var losses = _graph.Views.Where(static view => view is { Status: StageStatus.Failed, Error.Code: ErrorCodes.ObjectNotFound or ErrorCodes.ObjectUnreachable or ErrorCodes.Corrupt })
            .Select(static view => view.Error!.Details.ContainsKey("stage") ? view.Error : view.Error with { Details = view.Error.Details.SetItem("stage", view.Name) })
            .Where(static error => error.Details.ContainsKey("object")).ToList();
        var made = losses.Count == 0 ? [] : _graph.Views.SelectMany(static view => view.Outputs.Values).Select(static output => output.Dataset?.Id).ToHashSet();
        return [.. losses.Where(error => made.Contains(error.Details["object"])).DistinctBy(static error => error.Details["object"])];
    }

    /// <summary>
    /// Executes the stages again whose tables are lost, with those that these are made of and those that failed for it; once for each loss. Where a result may
    /// be another one the next time, what else was made of the first would not go with it: then the run fails, and says why.
    /// </summary>
    private async Task MakeAgainAsync(List<ErrorInfo> losses)
    {
        var lost = await FindLostAsync();
        var before = _outcome.Value.MadeAgain;
        if (!losses.Exists(error => before.Contains(error.Details["object"])) && before.Length + losses.Count <= MostLosses)
        {
            _irreparable = await DoubtAsync(lost, losses[0]);
            if (_irreparable is null && await StoreAsync())
            {
                LogMadeAgain(Id, string.Join(", ", losses.Select(static error => error.Details["object"])), string.Join(", ", lost));
                await StartAnewAsync();
                Tell();
                return;
            }
        }

        (_lossesStand, _ending) = (true, false);
        Advance();

        // Who watches has seen them fail or be cancelled.
        void Tell()
        {
            foreach (var view in _watchers.Any && _graph is not null ? _graph.Views.Where(static view => view.Status == StageStatus.Pending) : [])
            {
                _watchers.Publish(view, Status, Counts, Paused);
            }
        }

        async Task<bool> StoreAsync()
        {
            await _writing.EnterAsync();
            try
            {
                if (_outcome.Value.CancelRequested)
                {
                    return false;
                }

                await Retry.StorageAsync(
                    () => _outcome.SetAsync(_outcome.Value with
                    {
                        Retries = _outcome.Value.Retries + 1,
                        Lost = lost,
                        MadeAgain = [.. _outcome.Value.MadeAgain, .. losses.Select(static error => error.Details["object"])],
                        Started = _started,
                    }),
                    time,
                    e => LogEndNotStored(Id, e));
                return true;
            }
            finally
            {
                _writing.Leave();
            }
        }
    }

    /// <summary>The error of a loss that is not made up for, as one of the stages may give another result when it is executed again; or null.</summary>
    private async Task<ErrorInfo?> DoubtAsync(IEnumerable<string> lost, ErrorInfo loss)
    {
        foreach (var some in lost.Chunk(AsksAtOnce))
        {
            var doubts = await Task.WhenAll(some.Select(async name =>
            {
                var record = await Retry.TransientAsync(() => GrainFactory.GetGrain<IStageGrain>($"{Id}/{name}").GetCacheAsync(), time);
                return StageCache.Doubt(_graph!.Template(_graph.IndexOf(name)!.Value).Spec, record?.Fingerprint) is { } doubt ? $"stage '{name}' is not executed again by itself: {doubt}" : null;
            }));
            if (doubts.OfType<string>().FirstOrDefault() is { } doubt)
            {
                return loss with { Message = $"{loss.Message.TrimEnd('.')}, and {doubt}.", Hint = $"'mill retry {Id}' executes it again." };
            }
        }

        return null;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Run {Run} has lost {Objects}; executed again: {Stages}")]
    private partial void LogMadeAgain(string run, string objects, string stages);
}
