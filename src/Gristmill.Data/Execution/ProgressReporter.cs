using Gristmill.Data.Interop;

namespace Gristmill.Data.Execution;

/// <summary>Counts what a run has done, and tells it now and then.</summary>
internal sealed class ProgressReporter : IDisposable
{
    private static readonly TimeSpan s_period = TimeSpan.FromMilliseconds(200);
    private readonly FlowOptions _options;
    private readonly FlowMemory _memory;
    private readonly long _started;
    private readonly ITimer? _timer;
    private readonly Lock _gate = new();
    private readonly List<SkippedInput> _skipped = [];
    private readonly Dictionary<object, (double Share, long Bytes)> _inputs = [];
    private long _rows;
    private long _blocks;
    private long _badRows;
    private bool _done;

    public ProgressReporter(FlowOptions options, FlowMemory memory)
    {
        (_options, _memory, _started) = (options, memory, options.TimeProvider.GetTimestamp());
        _timer = options.Progress is null ? null : options.TimeProvider.CreateTimer(static state => ((ProgressReporter)state!).Tick(), this, s_period, s_period);
    }

    /// <summary>Counts rows of the result.</summary>
    public void Advance(long rows, long blocks = 1)
    {
        Interlocked.Add(ref _rows, rows);
        Interlocked.Add(ref _blocks, blocks);
    }

    public void BadRows(long rows) => Interlocked.Add(ref _badRows, rows);

    public void Skip(SkippedInput file)
    {
        lock (_gate)
        {
            _skipped.Add(file);
        }
    }

    /// <summary>Says how much of an input is read.</summary>
    /// <param name="input">The input.</param>
    /// <param name="share">From 0 to 1.</param>
    /// <param name="bytes">Bytes of its files.</param>
    public void Input(object input, double share, long bytes)
    {
        lock (_gate)
        {
            // DuckDB's own estimate goes back now and then.
            var before = _inputs.GetValueOrDefault(input).Share;
            _inputs[input] = (Math.Clamp(share, before, 1), bytes);
        }
    }

    public FlowProgress Now(bool completed = false)
    {
        lock (_gate)
        {
            var bytes = _inputs.Values.Sum(static input => input.Bytes);
            double? share = _inputs.Count == 0 ? null
                : bytes > 0 ? _inputs.Values.Sum(static input => input.Share * input.Bytes) / bytes
                : _inputs.Values.Average(static input => input.Share);
            return new FlowProgress
            {
                Rows = Interlocked.Read(ref _rows),
                Blocks = Interlocked.Read(ref _blocks),
                Fraction = completed ? 1 : share,
                BytesTotal = bytes > 0 ? bytes : null,
                Elapsed = _options.TimeProvider.GetElapsedTime(_started),
                MemoryInUse = _memory.InUse,
                PeakMemory = _memory.Peak,
                BadRows = Interlocked.Read(ref _badRows),
                SkippedFiles = [.. _skipped],
                Completed = completed,
            };
        }
    }

    /// <summary>Tells that the run is done.</summary>
    public FlowProgress Complete()
    {
        lock (_gate)
        {
            _done = true;
            var last = Now(completed: true);
            _options.Progress?.Report(last);
            return last;
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _done = true;
        }

        _timer?.Dispose();
    }

    private void Tick()
    {
        lock (_gate)
        {
            if (!_done)
            {
                _options.Progress!.Report(Now());
            }
        }
    }
}
