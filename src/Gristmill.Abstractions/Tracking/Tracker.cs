using System.Globalization;

namespace Gristmill;

/// <summary>Takes what one attempt logs. Safe for many threads.</summary>
public abstract class Tracker
{
    /// <summary>Checks names and keeps nothing: where no tracking store is configured.</summary>
    public static Tracker None { get; } = new Discarding();

    /// <summary>Logs a point of a metric.</summary>
    /// <param name="name">Its name (<see cref="TrackRules"/>), such as "loss" or "val/auc".</param>
    /// <param name="value">Any number; NaN and infinities are kept.</param>
    /// <param name="step">Its step, such as the epoch or the batch; null: one more than the metric's step before, from 0.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: the name; or what the store failed with earlier.</exception>
    public abstract void Metric(string name, double value, long? step = null);

    /// <summary>Logs a parameter: what the attempt was set to. The newest value of a name stays.</summary>
    /// <param name="name">Its name (<see cref="TrackRules"/>).</param>
    /// <param name="value">At most <see cref="TrackRules.MaxValue"/> characters.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: the name or value.</exception>
    public abstract void Param(string name, string value);

    /// <summary>Logs a number, date or other plain value as a parameter, in the invariant culture.</summary>
    /// <param name="name">Its name (<see cref="TrackRules"/>).</param>
    /// <param name="value">The value.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: the name or value.</exception>
    public void Param<T>(string name, T value)
        where T : IFormattable => Param(name, value.ToString(null, CultureInfo.InvariantCulture));

    /// <summary>Sets a tag of the run: a label to find it by. The newest value of a name stays.</summary>
    /// <param name="name">Its name (<see cref="TrackRules"/>).</param>
    /// <param name="value">At most <see cref="TrackRules.MaxValue"/> characters.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: the name or value.</exception>
    public abstract void Tag(string name, string value);

    /// <summary>Keeps a file beside the run, as it is now.</summary>
    /// <param name="file">The file.</param>
    /// <param name="path">Its path among the run's artifacts, such as "reports/confusion.csv"; null: the file's name.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: the path; <see cref="ErrorCodes.FileNotFound"/>; <see cref="ErrorCodes.StoreFull"/>.</exception>
    public abstract void Artifact(string file, string? path = null);

    /// <summary>Draws a figure and keeps it beside the run, as "figures/NAME.svg" or what its format is called.</summary>
    /// <param name="name">Its name; one drawn later under the same name takes its place.</param>
    /// <param name="figure">The figure.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: the name; <see cref="ErrorCodes.StoreFull"/>.</exception>
    public abstract void Figure(string name, IFigure figure);

    /// <summary>Keeps a figure that is SVG text already.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="svg">An SVG document.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: the name; <see cref="ErrorCodes.StoreFull"/>.</exception>
    public void Figure(string name, string svg)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(svg);
        Figure(name, new SvgFigure(svg));
    }

    /// <summary>Completes when all that was logged before is durable: it survives the death of this process and of the silo.</summary>
    /// <param name="cancellationToken">Ends the waiting, not the writing.</param>
    /// <exception cref="GristmillException">What the store failed with.</exception>
    public abstract Task FlushAsync(CancellationToken cancellationToken = default);

    private sealed class SvgFigure(string svg) : IFigure
    {
        public string Extension => "svg";

        public void Write(Stream destination) => destination.Write(System.Text.Encoding.UTF8.GetBytes(svg));
    }

    private sealed class Discarding : Tracker
    {
        public override void Metric(string name, double value, long? step = null) => TrackRules.RequireName(name, "metric");

        public override void Param(string name, string value) => TrackRules.Require(name, value, "parameter");

        public override void Tag(string name, string value) => TrackRules.Require(name, value, "tag");

        public override void Artifact(string file, string? path = null) => TrackRules.RequirePath(path ?? Path.GetFileName(file));

        public override void Figure(string name, IFigure figure) => TrackRules.RequireName(name, "figure");

        public override Task FlushAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;
    }
}
