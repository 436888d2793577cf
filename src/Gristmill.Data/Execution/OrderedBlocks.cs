namespace Gristmill.Data.Execution;

/// <summary>
/// What several workers have made, handed on in order. It holds up to a number of bytes; the block that is next goes in whatever its size, so that a
/// worker that waits for room never keeps the reader waiting.
/// </summary>
internal sealed class OrderedBlocks(long limit)
{
    private readonly Dictionary<long, Block> _blocks = [];
    private readonly object _gate = new();
    private long _next;
    private long _bytes;
    private int _writers;
    private bool _closed;

    /// <summary>Says how many will call <see cref="Complete"/>.</summary>
    public void Expect(int writers) => _writers = writers;

    /// <summary>Puts a block in its place; waits for room.</summary>
    /// <returns>False if nobody reads any more; the block is the caller's then.</returns>
    public bool Add(long number, Block block)
    {
        lock (_gate)
        {
            while (!_closed && number != _next && _bytes + block.Bytes > limit)
            {
                Monitor.Wait(_gate);
            }

            if (_closed)
            {
                return false;
            }

            _blocks.Add(number, block);
            _bytes += block.Bytes;
            Monitor.PulseAll(_gate);
            return true;
        }
    }

    /// <summary>A writer is done.</summary>
    public void Complete()
    {
        lock (_gate)
        {
            _writers--;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>The next block; waits for it. Null at the end.</summary>
    /// <exception cref="FlowEndedException">It was closed: what has come so far is not the whole.</exception>
    public Block? Take()
    {
        lock (_gate)
        {
            while (true)
            {
                if (_closed)
                {
                    throw new FlowEndedException();
                }

                if (_blocks.Remove(_next, out var block))
                {
                    _next++;
                    _bytes -= block.Bytes;
                    Monitor.PulseAll(_gate);
                    return block;
                }

                if (_writers == 0)
                {
                    return null;
                }

                Monitor.Wait(_gate);
            }
        }
    }

    /// <summary>Nobody reads any more: whoever waits goes on, and what is here is released.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
            foreach (var block in _blocks.Values)
            {
                block.Release();
            }

            _blocks.Clear();
            _bytes = 0;
            Monitor.PulseAll(_gate);
        }
    }
}
