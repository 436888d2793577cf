using System.Collections.Immutable;
using Gristmill.Grains.Partitions;
using Gristmill.Grains.Triggers;

namespace Gristmill.Grains.Runs;

// What others see of a run, and are told.
internal sealed partial class RunGrain
{
    private RunSummary Summary() => new()
    {
        Id = Id,
        Pipeline = Pipeline,
        Status = Status,
        Partition = _definition.Value.Request.Partition,
        Trigger = _definition.Value.Request.Trigger,
        Created = _definition.Value.Created,
        Ended = _outcome.Value.Ended,
        Paused = Paused,
        Retries = _outcome.Value.Retries,
    };

    /// <summary>Every stage, also of those that are kept in pages.</summary>
    private async Task<IReadOnlyList<StageView>> AllAsync()
    {
        if (Pages.IsEmpty)
        {
            return Views;
        }

        var all = new List<StageView>();
        int? next = 0;
        while (next is { } offset)
        {
            var page = await pages.GetAsync(Pages, Counts, offset, MaxPage, StageStatus.Succeeded);
            all.AddRange(page.Stages);
            next = page.Next;
        }

        return all;
    }

    /// <summary>The run for the index, with the metrics of some stages; each change has a higher sequence.</summary>
    private RunProjection Projection(IEnumerable<StageView> stages) => new()
    {
        Sequence = (4L * _outcome.Value.Retries) + (_outcome.Value.IsFinal ? 2 : _started is null ? 0 : 1),
        Run = new RunRecord
        {
            Id = Id,
            Pipeline = Pipeline,
            PipelineVersion = _definition.Value.Version,
            Status = Status,
            Created = _definition.Value.Created,
            Started = _started,
            Ended = _outcome.Value.Ended,
            Error = Error?.Code,
            Partition = _definition.Value.Request.Partition,
            Trigger = _definition.Value.Request.Trigger,
            Parameters = RunIndex.Plain(_definition.Value.Parameters),
        },
        Metrics = [.. stages.Select(RunIndex.Metrics).OfType<StageMetrics>()],
    };

    private RunView View() => new()
    {
        Id = Id,
        Pipeline = Pipeline,
        PipelineVersion = _definition.Value.Version,
        Status = Status,
        Parameters = _definition.Value.Parameters,
        Partition = _definition.Value.Request.Partition,
        Trigger = _definition.Value.Request.Trigger,
        Stages = _outcome.Value.IsFinal ? _outcome.Value.Stages : StageSelection.Of(Views),
        Counts = Counts,
        Created = _definition.Value.Created,
        Started = _started,
        Ended = _outcome.Value.Ended,
        Error = Error,
        CacheHits = _outcome.Value.IsFinal ? _outcome.Value.CacheHits : _graph!.Views.Count(static stage => stage.CachedFrom is not null),
        RerunOf = _definition.Value.Request.RerunOf,
        Environment = _definition.Value.Environment,
        Paused = Paused,
        Retries = _outcome.Value.Retries,
    };

    private ImmutableArray<StagePageRef> Pages => _outcome.Value.IsFinal ? _outcome.Value.Pages : [];

    /// <summary>All stages, unless they are in <see cref="Pages"/>.</summary>
    private IReadOnlyList<StageView> Views => _outcome.Value.IsFinal ? _outcome.Value.Stages : _graph!.Views;

    private StageCounts Counts => _outcome.Value.IsFinal ? _outcome.Value.Counts ?? StageCounts.Of(_outcome.Value.Stages) : _graph!.Counts;

    private async Task TellPipelineAsync(RunSummary summary)
    {
        try
        {
            await Retry.TransientAsync(() => GrainFactory.GetGrain<IPipelineGrain>(summary.Pipeline).OnRunChangedAsync(summary), time);
        }
        catch (Exception e)
        {
            // The list is refreshed when the pipeline is activated the next time.
            LogPipelineNotTold(Id, e);
        }
    }

    /// <summary>Partitions and triggers that wait for this end have stored it when this returns; until then the reminder stays.</summary>
    private async Task TellTriggersAsync()
    {
        var (begun, over) = (_definition.Value, _outcome.Value);
        var ended = new RunEnded(Id, Pipeline, Status, over.Ended!.Value)
        {
            Created = begun.Created,
            Version = begun.Version,
            CodeVersion = begun.CodeVersion,
            Reason = over.Error?.Message is { Length: > 500 } message ? message[..500] : over.Error?.Message,
        };
        if (begun.Request.Partition is { } partition && (_spec ?? await specs.GetAsync(begun.Source!)).Partitions is { } partitions)
        {
            // Before what this run's end may start asks for the partition.
            await Retry.TransientAsync(() => PartitionRuns.OnEndedAsync(GrainFactory, partitions, partition, ended), time);
        }

        await Retry.TransientAsync(() => GrainFactory.GetGrain<IRunSubscribersGrain>(Pipeline).OnRunEndedAsync(ended), time);
    }
}
