using Apache.Arrow;

namespace Gristmill.Data.Execution;

/// <summary>What the workers of a pass read: parts, each read by one worker, whose order is that of their numbers. Safe for several threads.</summary>
internal abstract class WorkSource
{
    public abstract Schema Schema { get; }

    /// <summary>The next part; null after the last.</summary>
    public abstract WorkPart? Next();
}

/// <summary>Blocks that follow each other.</summary>
internal abstract class WorkPart(long number) : IDisposable
{
    /// <summary>From 0, without gaps.</summary>
    public long Number => number;

    public abstract Block? Take();

    public abstract void Dispose();
}

/// <summary>A stage before: each of its blocks is a part.</summary>
internal sealed class StageSource(Stage stage) : WorkSource
{
    public Stage Stage => stage;

    public override Schema Schema => stage.Schema;

    public override WorkPart? Next() => stage.Take(out var number) is { } block ? new OneBlock(number, block) : null;

    private sealed class OneBlock(long number, Block block) : WorkPart(number)
    {
        private Block? _block = block;

        public override Block? Take() => Interlocked.Exchange(ref _block, null);

        public override void Dispose() => Take()?.Release();
    }
}
