using System.Text;
using OxyPlot;

namespace Gristmill.Plots;

/// <summary>An OxyPlot model as a figure: <c>Track.Figure("mine", new PlotFigure(model))</c>. It is written as SVG, without native libraries.</summary>
/// <param name="model">The plot; <see cref="PlotStyle.Create"/> makes one that looks like the ready-made ones.</param>
/// <param name="width">Width in pixels.</param>
/// <param name="height">Height in pixels.</param>
public sealed class PlotFigure(PlotModel model, double width = PlotFigure.DefaultWidth, double height = PlotFigure.DefaultHeight) : IFigure
{
    /// <summary>Pixels of a figure's width unless said otherwise.</summary>
    public const double DefaultWidth = 640;
    /// <summary>Pixels of a figure's height unless said otherwise.</summary>
    public const double DefaultHeight = 420;

    /// <summary>The plot.</summary>
    public PlotModel Model => model;

    /// <inheritdoc/>
    public string Extension => "svg";

    /// <inheritdoc/>
    public void Write(Stream destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        using var svg = new MemoryStream();
        // A model is drawn by one exporter at a time.
        lock (model)
        {
            new SvgExporter { Width = width, Height = height, UseVerticalTextAlignmentWorkaround = true }.Export(model, svg);
        }

        // Without the byte order mark, which some readers of SVG stumble over.
        var bytes = svg.GetBuffer().AsSpan(0, (int)svg.Length);
        destination.Write(bytes.StartsWith(Encoding.UTF8.Preamble) ? bytes[Encoding.UTF8.Preamble.Length..] : bytes);
    }
}
