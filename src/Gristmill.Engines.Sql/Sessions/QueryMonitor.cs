using DuckDB.NET.Native;
using Gristmill.Engines.Sql.Interop;

namespace Gristmill.Engines.Sql.Sessions;

/// <summary>
/// Watches a statement from outside its thread: interrupts it when it is cancelled, and reports how far it is. An
/// interrupt that comes just before a statement starts is forgotten by DuckDB, so it is repeated until the end.
/// </summary>
internal sealed class QueryMonitor : IDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(100);
    private readonly DuckDBNativeConnection _connection;
    private readonly Action<double?, long>? _report;
    private readonly ScanProgress _scans;
    private readonly CancellationToken _cancellationToken;
    private readonly CancellationTokenRegistration _registration;
    private readonly ITimer _timer;
    private readonly Lock _gate = new();
    private double _reported = -1;
    private long _rows;
    private bool _ended;

    public QueryMonitor(DuckDBNativeConnection connection, Action<double?, long>? report, ScanProgress scans, CancellationToken cancellationToken)
    {
        _connection = connection;
        _report = report;
        _scans = scans;
        _cancellationToken = cancellationToken;
        _timer = TimeProvider.System.CreateTimer(static state => ((QueryMonitor)state!).Tick(), this, Period, Period);
        _registration = cancellationToken.Register(static state => ((QueryMonitor)state!).Tick(), this);
    }

    /// <summary>How much of its inputs it has read, 0 to 1; null where DuckDB does not know.</summary>
    public double? Fraction => _scans.Fraction ?? (NativeMethods.Startup.DuckDBQueryProgress(_connection).Percentage is >= 0 and var percentage ? Math.Min(1, percentage / 100) : null);

    /// <summary>Rows of the result so far.</summary>
    public void Fetched(long rows) => Interlocked.Exchange(ref _rows, rows);

    public void Dispose()
    {
        _registration.Dispose();
        _timer.Dispose();
        lock (_gate)
        {
            // A tick under way is over; a later one does nothing.
            _ended = true;
        }
    }

    private void Tick()
    {
        lock (_gate)
        {
            if (_ended)
            {
                return;
            }

            if (_cancellationToken.IsCancellationRequested)
            {
                _connection.Interrupt();
                return;
            }

            Report();
        }
    }

    private void Report()
    {
        var fraction = Fraction;
        var rows = Interlocked.Read(ref _rows);
        var state = (fraction ?? 0) + rows;
        if (state > _reported)
        {
            _reported = state;
            _report?.Invoke(fraction, rows);
        }
    }
}
