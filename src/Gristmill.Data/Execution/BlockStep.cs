using Apache.Arrow;

namespace Gristmill.Data.Execution;

/// <summary>What is done with a block in C#. Each worker opens one of its own.</summary>
internal abstract class BlockStep
{
    /// <summary>Columns of what it makes.</summary>
    public abstract Schema Schema { get; }

    /// <summary>A pass for one worker.</summary>
    public abstract Func<Block, Block> Open();
}
