using System.Globalization;
using OxyPlot;
using OxyPlot.Axes;
using OxyPlot.Legends;

namespace Gristmill.Plots;

/// <summary>How figures look: one sober style, with colours that people with impaired colour vision can tell apart (Okabe and Ito, 2008).</summary>
public static class PlotStyle
{
    private const string Font = "Inter, Segoe UI, Helvetica, Arial, sans-serif";

    private static readonly OxyColor Ink = OxyColor.FromRgb(0x24, 0x29, 0x2f);
    private static readonly OxyColor Grey = OxyColor.FromRgb(0x6e, 0x77, 0x81);
    private static readonly OxyColor Grid = OxyColor.FromRgb(0xe6, 0xe9, 0xec);

    /// <summary>The colours of series, in order.</summary>
    public static IReadOnlyList<OxyColor> Colours { get; } =
    [
        OxyColor.FromRgb(0x00, 0x72, 0xb2), OxyColor.FromRgb(0xd5, 0x5e, 0x00), OxyColor.FromRgb(0x00, 0x9e, 0x73), OxyColor.FromRgb(0xcc, 0x79, 0xa7),
        OxyColor.FromRgb(0xe6, 0x9f, 0x00), OxyColor.FromRgb(0x56, 0xb4, 0xe9), OxyColor.FromRgb(0x4b, 0x4f, 0x54),
    ];

    /// <summary>The colour of what is only there to compare with, such as the diagonal of a ROC curve.</summary>
    public static OxyColor Reference { get; } = OxyColor.FromRgb(0xa0, 0xa7, 0xae);

    /// <summary>The colour of a series by its place.</summary>
    public static OxyColor Colour(int index) => Colours[index % Colours.Count];

    /// <summary>Pale to dark: how much there is.</summary>
    internal static OxyPalette Shades { get; } = OxyPalette.Interpolate(64, OxyColor.FromRgb(0xe4, 0xef, 0xf7), OxyColor.FromRgb(0x00, 0x72, 0xb2), OxyColor.FromRgb(0x00, 0x2f, 0x4f));

    /// <summary>A plot without series.</summary>
    /// <param name="title">What it shows.</param>
    public static PlotModel Create(string title)
    {
        var model = new PlotModel
        {
            Title = title,
            Culture = CultureInfo.InvariantCulture,
            Background = OxyColors.White,
            DefaultFont = Font,
            TextColor = Ink,
            TitleFontSize = 16,
            TitleFontWeight = FontWeights.Bold,
            TitlePadding = 10,
            PlotAreaBorderColor = OxyColors.Transparent,
            Padding = new OxyThickness(12, 12, 22, 12),
            DefaultColors = [.. Colours],
        };
        model.Legends.Add(new Legend
        {
            LegendPosition = LegendPosition.RightTop,
            LegendBackground = OxyColor.FromAColor(0xe0, OxyColors.White),
            LegendBorder = OxyColors.Transparent,
            LegendFontSize = 12,
            LegendTextColor = Ink,
            LegendLineSpacing = 4,
        });
        return model;
    }

    /// <summary>Writes the number to take away between the title and the plot. To be called last: series take the first axis there is.</summary>
    public static void Subtitle(PlotModel model, string text)
    {
        ArgumentNullException.ThrowIfNull(model);
        // OxyPlot's own subtitle is laid over the title where text is measured without fonts.
        model.Axes.Add(new LinearAxis
        {
            Position = AxisPosition.Top,
            Title = text,
            TitleFontSize = 12.5,
            TitleColor = Grey,
            AxisTitleDistance = 6,
            Minimum = 0,
            Maximum = 1,
            TickStyle = TickStyle.None,
            AxislineStyle = LineStyle.None,
            TextColor = OxyColors.Transparent,
            FontSize = 1,
        });
    }

    /// <summary>An axis that spans a range, or what the series need where an end is NaN.</summary>
    public static LinearAxis Axis(AxisPosition position, string title, double from = double.NaN, double to = double.NaN)
    {
        var axis = new LinearAxis { Minimum = from, Maximum = to };
        Apply(axis, position, title);
        return axis;
    }

    /// <summary>A logarithmic axis, for losses that fall by powers of ten.</summary>
    public static LogarithmicAxis LogAxis(AxisPosition position, string title)
    {
        var axis = new LogarithmicAxis();
        Apply(axis, position, title);
        return axis;
    }

    /// <summary>The colour of a share from 0 to 1.</summary>
    internal static OxyColor Shade(double share) => Shades.Colors[(int)Math.Clamp(share * Shades.Colors.Count, 0, Shades.Colors.Count - 1)];

    /// <summary>What the shades of counts mean, on the right.</summary>
    internal static LogarithmicColorAxis CountAxis(long most)
    {
        var axis = new LogarithmicColorAxis { Palette = Shades, Minimum = 1, Maximum = Math.Max(2, most) };
        Apply(axis, AxisPosition.Right, "rows");
        axis.MajorGridlineStyle = LineStyle.None;
        axis.AxislineStyle = LineStyle.None;
        axis.StringFormat = "#,0";
        // The bar is as wide as ticks are long.
        (axis.TickStyle, axis.TicklineColor, axis.MajorTickSize) = (TickStyle.Outside, OxyColors.Transparent, 14);
        return axis;
    }

    /// <summary>Classes side by side, or from top to bottom.</summary>
    internal static CategoryAxis ClassAxis(AxisPosition position, string title, IReadOnlyList<string> names, double angle = 0)
    {
        var axis = new CategoryAxis { Minimum = -0.5, Maximum = names.Count - 0.5, Angle = angle, MajorStep = 1 };
        axis.Labels.AddRange(names);
        Apply(axis, position, title);
        axis.MajorGridlineStyle = LineStyle.None;
        if (position == AxisPosition.Left)
        {
            (axis.StartPosition, axis.EndPosition) = (1, 0);
        }

        // Text is measured without fonts, as narrower than it is; a title would be laid over long names.
        axis.AxisTitleDistance += names.Max(static name => name.Length) * (position == AxisPosition.Left ? 2.2 : angle == 0 ? 0 : 1.6);
        return axis;
    }

    private static void Apply(Axis axis, AxisPosition position, string title)
    {
        axis.Position = position;
        axis.Title = title;
        axis.TitleFontSize = 12.5;
        axis.TitleColor = Ink;
        axis.AxisTitleDistance = position == AxisPosition.Left ? 18 : 10;
        axis.FontSize = 11.5;
        axis.TextColor = Grey;
        axis.TickStyle = TickStyle.None;
        axis.AxislineStyle = LineStyle.Solid;
        axis.AxislineColor = Grid;
        axis.MajorGridlineStyle = LineStyle.Solid;
        axis.MajorGridlineColor = Grid;
        axis.MajorGridlineThickness = 1;
        axis.MinorGridlineStyle = LineStyle.None;
        axis.MinorTickSize = 0;
    }
}
