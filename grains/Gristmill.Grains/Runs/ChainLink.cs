namespace Gristmill.Grains.Runs;

/// <summary>A place in a chain of stages, each the only one to do after the one before. The run's turns add places at the end while the chain goes along.</summary>
/// <param name="node">The stage's place in the run's graph.</param>
/// <param name="origin">The stage.</param>
/// <param name="grain">Its grain, whose state is stored.</param>
/// <param name="index">How many come before it.</param>
internal sealed class ChainLink(int node, StageOrigin origin, GrainId grain, int index = 0)
{
    private volatile ChainLink? _next;
    private volatile bool _isLast;

    public int Node { get; } = node;

    public StageOrigin Origin { get; } = origin;

    public GrainId Grain { get; } = grain;

    public int Index { get; } = index;

    /// <summary>What may follow; null: nothing, or it is not known yet.</summary>
    public ChainLink? Next => _next;

    /// <summary>Whether <see cref="Next"/> says all: what follows is known, or that the run has to decide what does.</summary>
    public bool IsKnown => _next is not null || _isLast;

    /// <summary>Adds a place behind it, which is the last.</summary>
    public ChainLink Add(int node, StageOrigin origin, GrainId grain) => _next = new ChainLink(node, origin, grain, Index + 1);

    /// <summary>Nothing follows that a chain may go on with.</summary>
    public void End() => _isLast = true;
}
