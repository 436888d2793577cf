using System.Runtime.CompilerServices;

namespace Gristmill;

/// <summary>Reads runs of any size, page by page.</summary>
public static class RunExtensions
{
    private const int PageSize = 1000;
    private const int MaxFailures = 8;

    private static readonly TimeSpan FailurePause = TimeSpan.FromMilliseconds(250);

    /// <summary>A run with all of its stages if there are at most <see cref="RunView.MaxStages"/>, however large they are; null if there is none.</summary>
    public static async Task<RunView?> GetWholeAsync(this IRunGrain run)
    {
        ArgumentNullException.ThrowIfNull(run);
        return await run.GetAsync() is { } view ? await CompleteAsync(run, view) : null;
    }

    /// <summary>
    /// The run's changes until it ends, as <see cref="IRunGrain.WatchAsync"/> tells them, with runs as <see cref="GetWholeAsync"/>
    /// gives them. If the run's silo dies, the watch goes on with the run as it stands where it has come to life again.
    /// </summary>
    public static async IAsyncEnumerable<RunEvent> FollowAsync(this IRunGrain run, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(run);
        for (var failures = 0; ;)
        {
            await using var changes = run.WatchAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);
            while (true)
            {
                RunEvent change;
                try
                {
                    if (!await changes.MoveNextAsync())
                    {
                        yield break;
                    }

                    change = changes.Current;
                    if (change.Run is { IsWhole: false } view)
                    {
                        change = change with { Run = await CompleteAsync(run, view) };
                    }
                }
                catch (Exception e) when (e is OrleansException or EnumerationAbortedException or TimeoutException && ++failures <= MaxFailures && !cancellationToken.IsCancellationRequested)
                {
                    break;
                }

                failures = 0;
                yield return change;
            }

            await Task.Delay(FailurePause * failures, cancellationToken);
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
