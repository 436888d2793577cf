using Apache.Arrow;

namespace Gristmill.Data.Execution;

/// <summary>A part of a running flow, from which blocks are taken in order. Safe for several threads.</summary>
internal abstract class Stage
{
    private readonly Lock _gate = new();
    private long _rows;
    private long _blocks;
    private bool _ended;

    public abstract Schema Schema { get; }

    /// <summary>The next block and its number; null after the last. Blocks without rows are left out.</summary>
    public Block? Take(out long number)
    {
        lock (_gate)
        {
            while (!_ended)
            {
                if (Next() is not { } block)
                {
                    break;
                }

                if (block.Rows == 0)
                {
                    block.Release();
                    continue;
                }

                block.FirstRow = _rows;
                _rows += block.Rows;
                number = _blocks++;
                return block;
            }

            _ended = true;
            number = _blocks;
            return null;
        }
    }

    /// <summary>Called by one thread at a time.</summary>
    protected abstract Block? Next();
}
