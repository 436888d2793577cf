using System.Runtime.CompilerServices;

namespace Gristmill;

/// <summary>Reads runs of any size, page by page.</summary>
public static class RunExtensions
{
    private const int PageSize = 1000;

    /// <summary>A run with all of its stages if there are at most <see cref="RunView.MaxStages"/>, however large they are; null if there is none.</summary>
    public static async Task<RunView?> GetWholeAsync(this IRunGrain run)
    {
        ArgumentNullException.ThrowIfNull(run);
        return await run.GetAsync() is { } view ? await CompleteAsync(run, view) : null;
    }

    /// <summary>The run's changes until it ends, as <see cref="IRunGrain.WatchAsync"/> tells them, with runs as <see cref="GetWholeAsync"/> gives them.</summary>
    public static async IAsyncEnumerable<RunEvent> FollowAsync(this IRunGrain run, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(run);
        await foreach (var change in run.WatchAsync(cancellationToken).WithCancellation(cancellationToken))
        {
            yield return change.Run is { IsWhole: false } view ? change with { Run = await CompleteAsync(run, view) } : change;
        }
    }

    /// <summary>All stages of a run in the order of the spec, or those of one status; none if there is no such run.</summary>
    public static async IAsyncEnumerable<StageView> ListStagesAsync(this IRunGrain run, StageStatus? status = null)
    {
        ArgumentNullException.ThrowIfNull(run);
        for (int? offset = 0; offset is { } at;)
        {
            if (await run.GetStagesAsync(at, PageSize, status) is not { } page)
            {
                yield break;
            }

            foreach (var stage in page.Stages)
            {
                yield return stage;
            }

            offset = page.Next;
        }
    }

    private static async Task<RunView> CompleteAsync(IRunGrain run, RunView view) => view.IsWhole || view.Counts.Total > RunView.MaxStages
        ? view
        : view with { Stages = [.. await run.ListStagesAsync().ToArrayAsync()] };
}
