using System.Globalization;
using Gristmill.Display;

namespace Gristmill.Cli.Demo;

/// <summary>The demo's report as people read it.</summary>
internal static class DemoText
{
    public static void Write(CliContext context, DemoReport report, string engine, LoadResult load)
    {
        static string Seconds(double milliseconds) => Texts.Duration(TimeSpan.FromMilliseconds(milliseconds));
        static string Auc(double auc) => auc.ToString("0.000", CultureInfo.InvariantCulture);

        context.WriteLine("");
        context.WriteTable(["stage", "wall", "cpu", "rows", "out"], report.Stages.Select(s => new[]
        {
            s.Name, Seconds(s.WallMs), Seconds(s.CpuMs), s.Rows > 0 ? Texts.Count(s.Rows) : "", s.BytesOut > 0 ? Texts.Bytes(s.BytesOut) : "",
        }));
        context.WriteLine("");
        var months = report.Auc.Values.SelectMany(byMonth => byMonth.Keys).Distinct().Order(StringComparer.Ordinal).ToArray();
        context.WriteTable(["AUC", .. months], report.Auc.Select(byEngine => new[] { byEngine.Key }
            .Concat(months.Select(month => byEngine.Value.TryGetValue(month, out var auc) ? Auc(auc) : "")).ToArray()));
        context.WriteLine("");
        context.WriteLine($"{Texts.Count(report.RowsIngested)} rows in; {report.BytesCopied} bytes copied between stages.");
        context.WriteLine($"{report.Model} version {report.Version} is the {engine} model.");
        context.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{Texts.Count(report.Predictions)} requests, one row each: median {report.P50Ms:0.00} ms, 99th percentile {report.P99Ms:0.00} ms; on average {load.MeanScore * 100:0} % late."));
        context.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"At most {report.PeakRssMb:N0} MB in all processes together, shared pages counted once; {report.WallS:0.0} s in all."));
    }
}
