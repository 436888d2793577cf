namespace Gristmill.Storage;

/// <summary>
/// The one writer of a database in this process: a thread that commits whatever has queued up while the last commit was flushed. Writers share
/// the flush, each still gets its own outcome. One who may wait commits on its own thread where nobody else writes: to wake two threads takes as long as a fast disk does.
/// </summary>
/// <typeparam name="T">What is written.</typeparam>
internal abstract class GroupCommit<T> : IDisposable
{
    // A monitor, not a semaphore: one that spins before it sleeps takes the processor from those that are to give it work.
    private readonly object _lock = new();
    /// <summary>Held by whoever commits.</summary>
    private readonly object _committing = new();
    private readonly Thread _thread;
    private List<T> _queue = [];
    private bool _closed;

    /// <param name="name">The name of its thread.</param>
    protected GroupCommit(string name) => _thread = new Thread(Loop) { IsBackground = true, Name = name };

    /// <summary>Waits for what is queued, then closes.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_closed)
            {
                return;
            }

            _closed = true;
            Monitor.Pulse(_lock);
        }

        _thread.Join();
        lock (_committing)
        {
            Close();
        }
    }

    /// <summary>Starts its thread: the last thing that a constructor does.</summary>
    protected void Start() => _thread.Start();

    /// <summary>Commits writes and tells each its outcome; it throws nothing. Called by one thread at a time.</summary>
    protected abstract void Commit(List<T> writes);

    /// <summary>Closes what it writes to; nothing is committed after that.</summary>
    protected abstract void Close();

    /// <summary>Leaves a write to the thread.</summary>
    /// <returns>Whether it will be committed: not once this is closed.</returns>
    protected bool TryQueue(T write)
    {
        lock (_lock)
        {
            if (_closed)
            {
                return false;
            }

            _queue.Add(write);
            if (_queue.Count == 1)
            {
                Monitor.Pulse(_lock);
            }

            return true;
        }
    }

    /// <summary>Begins a commit on the calling thread, where nobody else writes or waits to; <see cref="EndHere"/> ends it.</summary>
    protected bool TryBeginHere()
    {
        if (!Monitor.TryEnter(_committing))
        {
            return false;
        }

        lock (_lock)
        {
            if (!_closed && _queue.Count == 0)
            {
                return true;
            }
        }

        Monitor.Exit(_committing);
        return false;
    }

    protected void EndHere() => Monitor.Exit(_committing);

    private void Loop()
    {
        var spare = new List<T>();
        while (true)
        {
            List<T> taken;
            bool closed;
            lock (_lock)
            {
                while (_queue.Count == 0 && !_closed)
                {
                    Monitor.Wait(_lock);
                }

                taken = _queue;
                _queue = spare;
                closed = _closed;
            }

            if (taken.Count > 0)
            {
                lock (_committing)
                {
                    Commit(taken);
                }
            }

            taken.Clear();
            spare = taken;
            if (closed)
            {
                return;
            }
        }
    }
}
