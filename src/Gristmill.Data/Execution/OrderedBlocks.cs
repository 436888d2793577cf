namespace Gristmill.Data.Execution;

/// <summary>
/// What several workers have made of their parts, handed on in the order of the parts. It holds up to a number of bytes; of the part that is next, a block goes
/// in whatever its size if none waits, so that a worker that waits for room never keeps the reader waiting.
/// </summary>
internal sealed class OrderedBlocks(long limit)
{
    private readonly Dictionary<long, Part> _parts = [];
    private readonly object _gate = new();
    private long _next;
    private long _bytes;
    private int _writers;
    private bool _closed;

    /// <summary>Says how many will call <see cref="Complete"/>.</summary>
    public void Expect(int writers) => _writers = writers;

    /// <summary>Puts a block behind those of its part; waits for room.</summary>
    /// <returns>False if nobody reads any more; the block is the caller's then.</returns>
    public bool Add(long part, Block block)
    {
        lock (_gate)
        {
            var blocks = Of(part);
            while (!_closed && _bytes + block.Bytes > limit && (part != _next || blocks.Waiting.Count > 0))
            {
                Monitor.Wait(_gate);
            }

            if (_closed)
            {
                return false;
            }

            blocks.Waiting.Enqueue(block);
            _bytes += block.Bytes;
            Monitor.PulseAll(_gate);
            return true;
        }
    }

    /// <summary>A part has no more blocks.</summary>
    public void CompletePart(long part)
    {
        lock (_gate)
        {
            Of(part).IsComplete = true;
            Monitor.PulseAll(_gate);
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

                if (_parts.TryGetValue(_next, out var part))
                {
                    if (part.Waiting.TryDequeue(out var block))
                    {
                        _bytes -= block.Bytes;
                        Monitor.PulseAll(_gate);
                        return block;
                    }

                    if (part.IsComplete)
                    {
                        _parts.Remove(_next++);
                        Monitor.PulseAll(_gate);
                        continue;
                    }
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
            foreach (var block in _parts.Values.SelectMany(static part => part.Waiting))
            {
                block.Release();
            }

            _parts.Clear();
            _bytes = 0;
            Monitor.PulseAll(_gate);
        }
    }

    private Part Of(long number)
    {
        if (!_parts.TryGetValue(number, out var part))
        {
            _parts.Add(number, part = new Part());
        }

        return part;
    }

    private sealed class Part
    {
        public Queue<Block> Waiting { get; } = new();

        public bool IsComplete { get; set; }
    }
}
