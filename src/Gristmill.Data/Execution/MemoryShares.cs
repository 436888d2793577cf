namespace Gristmill.Data.Execution;

/// <summary>How a flow's memory is divided beforehand, so that no part ever waits for memory that a part behind it holds.</summary>
/// <param name="Database">Bytes of each DuckDB database.</param>
/// <param name="Blocks">Bytes of all blocks together.</param>
/// <param name="Block">Bytes at which a block is full.</param>
/// <param name="Queue">Bytes of blocks that wait behind each step in C#.</param>
internal sealed record MemoryShares(long Database, long Blocks, long Block, long Queue)
{
    private const long SmallestBlock = 1 << 16;
    private const long LargestBlock = 4 << 20;

    /// <param name="limit">Bytes of the flow.</param>
    /// <param name="databases">DuckDB databases in it.</param>
    /// <param name="maps">Steps in C#, each with workers of its own.</param>
    /// <param name="workers">Workers of a step.</param>
    public static MemoryShares Of(long limit, int databases, int maps, int workers)
    {
        // DuckDB holds row groups of files, hash tables and what it sorts; a block is small beside that.
        var all = databases == 0 ? 0 : maps == 0 ? limit * 3 / 4 : limit / 2;
        var blocks = limit - all;
        // Of each step: the blocks that its workers read and write, as many that wait, and one in the hands of whoever takes them.
        var step = blocks / (maps + 1);
        var block = Math.Clamp(step / ((4 * workers) + 2), SmallestBlock, LargestBlock);
        return new MemoryShares(databases == 0 ? 0 : all / databases, blocks, block, Math.Max(2 * block, step - (2 * workers * block)));
    }
}
