using System.Globalization;
using System.Text;

namespace Gristmill.Cli.Commands;

/// <summary>Curves as text: a sparkline of eighths of blocks, and a plot of braille dots, two by four a character.</summary>
internal static class Plot
{
    private const string Blocks = "▁▂▃▄▅▆▇█";
    private const char Gap = ' ';

    /// <summary>A curve in one line; what is no finite number is a gap.</summary>
    public static string Sparkline(IReadOnlyList<double> values, int width)
    {
        var (low, high) = Range(values);
        var text = new StringBuilder();
        var cells = Math.Min(width, values.Count);
        for (var i = 0; i < cells; i++)
        {
            var part = values.Skip(i * values.Count / cells).Take(((i + 1) * values.Count / cells) - (i * values.Count / cells)).Where(double.IsFinite).ToArray();
            text.Append(part.Length == 0 ? Gap : Blocks[high > low ? (int)Math.Min(Blocks.Length - 1, (part.Average() - low) / (high - low) * Blocks.Length) : Blocks.Length / 2]);
        }

        return text.ToString();
    }

    /// <summary>A curve with its scale; what is no finite number is left out.</summary>
    public static IEnumerable<string> Lines(IReadOnlyList<long> steps, IReadOnlyList<double> values, int width, int height)
    {
        var (low, high) = Range(values);
        if (!double.IsFinite(low))
        {
            return ["(no finite values)"];
        }

        high = high > low ? high : low + Math.Max(1, Math.Abs(low));
        // Halves: the distance between the largest numbers there are is none.
        var span = (high / 2) - (low / 2);
        var dots = new byte[height, width];
        double first = steps[0], last = steps[^1];
        (int X, int Y)? before = null;
        for (var i = 0; i < values.Count; i++)
        {
            if (!double.IsFinite(values[i]))
            {
                before = null;
                continue;
            }

            var x = last > first ? (int)((steps[i] - first) / (last - first) * ((width * 2) - 1)) : 0;
            var y = Math.Clamp((int)(((high / 2) - (values[i] / 2)) / span * ((height * 4) - 1)), 0, (height * 4) - 1);
            Join(dots, before ?? (x, y), (x, y));
            before = (x, y);
        }

        return Render(dots, low, high, steps[0], steps[^1]);
    }

    private static IEnumerable<string> Render(byte[,] dots, double low, double high, long first, long last)
    {
        var (height, width) = (dots.GetLength(0), dots.GetLength(1));
        for (var row = 0; row < height; row++)
        {
            var label = row == 0 ? high : row == height - 1 ? low : row == height / 2 ? high - (2 * (((high / 2) - (low / 2)) * row / (height - 1))) : (double?)null;
            var line = new StringBuilder((label?.ToString("G4", CultureInfo.InvariantCulture) ?? "").PadLeft(10)).Append(label is null ? " │" : " ┤");
            for (var column = 0; column < width; column++)
            {
                line.Append((char)(0x2800 + dots[row, column]));
            }

            yield return line.ToString().TrimEnd('\u2800');
        }

        yield return new string(' ', 11) + "└" + new string('─', width);
        var (left, right) = (first.ToString(CultureInfo.InvariantCulture), last.ToString(CultureInfo.InvariantCulture));
        yield return new string(' ', 12) + left + right.PadLeft(Math.Max(1 + right.Length, width - left.Length));
    }

    /// <summary>Bresenham's line.</summary>
    private static void Join(byte[,] dots, (int X, int Y) from, (int X, int Y) to)
    {
        var (dx, dy) = (Math.Abs(to.X - from.X), -Math.Abs(to.Y - from.Y));
        var (sx, sy) = (Math.Sign(to.X - from.X), Math.Sign(to.Y - from.Y));
        var error = dx + dy;
        var (x, y) = from;
        while (true)
        {
            dots[y / 4, x / 2] |= Dot(x % 2, y % 4);
            if (x == to.X && y == to.Y)
            {
                return;
            }

            var twice = 2 * error;
            if (twice >= dy)
            {
                error += dy;
                x += sx;
            }

            if (twice <= dx)
            {
                error += dx;
                y += sy;
            }
        }
    }

    // Braille numbers its dots by columns, but for the last row.
    private static byte Dot(int x, int y) => (byte)(y == 3 ? 0x40 << x : 1 << (y + (3 * x)));

    private static (double Low, double High) Range(IReadOnlyList<double> values)
    {
        var finite = values.Where(double.IsFinite).ToArray();
        return finite.Length == 0 ? (double.NaN, double.NaN) : (finite.Min(), finite.Max());
    }
}
