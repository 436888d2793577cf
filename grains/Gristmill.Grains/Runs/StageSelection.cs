using System.Collections.Immutable;

namespace Gristmill.Grains.Runs;

/// <summary>What of a run's stages goes in one message.</summary>
internal static class StageSelection
{
    /// <summary>Estimated bytes of the stages in a message; with what is around them it stays below 64 KiB.</summary>
    public const int MaxBytes = 44 << 10;

    /// <summary>All stages if they fit, else those to know about: failed ones, then running ones, then others as there is room.</summary>
    public static ImmutableArray<StageView> Of(IReadOnlyList<StageView> stages)
    {
        if (Fits(stages))
        {
            return [.. stages];
        }

        var bytes = 0L;
        var chosen = new HashSet<int>();
        ReadOnlySpan<StageStatus?> ranks = [StageStatus.Failed, StageStatus.Running, null];
        foreach (var rank in ranks)
        {
            for (var i = 0; i < stages.Count && chosen.Count < RunView.MaxStages; i++)
            {
                if ((rank is null || stages[i].Status == rank) && !chosen.Contains(i)
                    && StageViewSize.Of(stages[i]) is var size && (bytes + size <= MaxBytes || chosen.Count == 0))
                {
                    bytes += size;
                    chosen.Add(i);
                }
            }
        }

        return [.. chosen.Order().Select(i => stages[i])];
    }

    /// <summary>Stages from an offset on, as many as are asked for and fit; at least one, if there is one.</summary>
    public static StagePage Page(IReadOnlyList<StageView> stages, StageCounts counts, int offset, int limit, StageStatus? status)
    {
        var page = ImmutableArray.CreateBuilder<StageView>();
        var bytes = 0;
        var next = offset;
        for (; next < stages.Count && page.Count < limit; next++)
        {
            if (status is { } wanted && stages[next].Status != wanted)
            {
                continue;
            }

            bytes += StageViewSize.Of(stages[next]);
            if (bytes > MaxBytes && page.Count > 0)
            {
                break;
            }

            page.Add(stages[next]);
        }

        return new StagePage { Stages = page.ToImmutable(), Next = next < stages.Count ? next : null, Counts = counts };
    }

    private static bool Fits(IReadOnlyList<StageView> stages)
    {
        if (stages.Count > RunView.MaxStages)
        {
            return false;
        }

        var bytes = 0L;
        foreach (var stage in stages)
        {
            bytes += StageViewSize.Of(stage);
        }

        return bytes <= MaxBytes;
    }
}
