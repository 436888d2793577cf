namespace Gristmill;

/// <summary>
/// Logs parameters, metrics, tags, files and figures of the stage that is running, from anywhere in its code: calls find their
/// attempt by the flow of execution, through awaits, tasks, threads and parallel loops. The same is <c>stage.Track</c> of a
/// <c>StageContext</c>.
/// </summary>
/// <remarks>
/// A call costs well under a microsecond: it copies into a buffer, which is sent in batches, at least ten times a second. What is logged is
/// durable once <see cref="FlushAsync"/> has returned, and when the stage has ended. If the store cannot keep up and the buffer is
/// full, calls wait. Outside a stage every call throws; <see cref="TrackRecorder"/> lets a test call a stage's method by itself.
/// </remarks>
public static class Track
{
    private static readonly AsyncLocal<Tracker?> Ambient = new();

    /// <summary>The running attempt's tracker.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: no stage runs here.</exception>
    public static Tracker Current => Ambient.Value ?? throw new GristmillException(
        ErrorCodes.Invalid,
        "Track was called where no stage is running.",
        "Call it from a stage; in a test, open a TrackRecorder first. Threads that were started before the stage do not belong to it: pass them stage.Track.");

    /// <inheritdoc cref="Tracker.Metric"/>
    public static void Metric(string name, double value, long? step = null) => Current.Metric(name, value, step);

    /// <inheritdoc cref="Tracker.Param(string, string)"/>
    public static void Param(string name, string value) => Current.Param(name, value);

    /// <inheritdoc cref="Tracker.Param{T}(string, T)"/>
    public static void Param<T>(string name, T value)
        where T : IFormattable => Current.Param(name, value);

    /// <inheritdoc cref="Tracker.Tag"/>
    public static void Tag(string name, string value) => Current.Tag(name, value);

    /// <inheritdoc cref="Tracker.Artifact"/>
    public static void Artifact(string file, string? path = null) => Current.Artifact(file, path);

    /// <inheritdoc cref="Tracker.Figure(string, IFigure)"/>
    public static void Figure(string name, IFigure figure) => Current.Figure(name, figure);

    /// <inheritdoc cref="Tracker.Figure(string, string)"/>
    public static void Figure(string name, string svg) => Current.Figure(name, svg);

    /// <inheritdoc cref="Tracker.FlushAsync"/>
    public static Task FlushAsync(CancellationToken cancellationToken = default) => Current.FlushAsync(cancellationToken);

    /// <summary>
    /// Makes a tracker the one that calls from here on find, until the result is disposed of: for executors, and for tests of stages
    /// as plain methods.
    /// </summary>
    /// <param name="tracker">The tracker.</param>
    public static IDisposable Use(Tracker tracker)
    {
        ArgumentNullException.ThrowIfNull(tracker);
        var scope = new Scope(Ambient.Value);
        Ambient.Value = tracker;
        return scope;
    }

    private sealed class Scope(Tracker? before) : IDisposable
    {
        public void Dispose() => Ambient.Value = before;
    }
}
