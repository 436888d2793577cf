using System.CommandLine;
using System.Globalization;
using Gristmill.Display;

namespace Gristmill.Cli.Commands;

/// <summary>Lists the metrics of a run, or draws one.</summary>
internal static class MetricsCommand
{
    private const int SparkWidth = 24;

    public static Command Create(CliContext context)
    {
        var run = new Argument<string>("run") { Description = "The run's id; 'mill runs' lists them." };
        var metric = new Argument<string?>("metric") { Description = "Draw the history of this one, such as loss or train.loss.", Arity = ArgumentArity.ZeroOrOne };
        var from = new Option<long?>("--from") { Description = "The first step wanted.", HelpName = "STEP" };
        var attempt = new Option<int?>("--attempt") { Description = "Points of this attempt alone.", HelpName = "N" };
        var points = new Option<int>("--points") { Description = "The most points of the JSON, at most 100000.", DefaultValueFactory = _ => 1000 };
        var server = CliContext.ServerOption();
        var json = CliContext.JsonOption();

        var command = new Command("metrics", "List the metrics of a run, or draw the history of one.") { run, metric, from, attempt, points, server, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = CliContext.Connect(parsed.GetValue(server));
            var id = parsed.GetValue(run)!;
            if (parsed.GetValue(metric) is { } name)
            {
                var series = await client.GetMetricAsync(new MetricQuery
                {
                    RunId = id,
                    Name = name,
                    From = parsed.GetValue(from) ?? long.MinValue,
                    Attempt = parsed.GetValue(attempt),
                    Points = parsed.GetValue(points),
                }, cancellationToken);
                Draw(context, series, parsed.GetValue(json));
                return ExitCodes.Ok;
            }

            var latest = await client.ListMetricsAsync(id, cancellationToken);
            if (parsed.GetValue(json))
            {
                context.WriteJson(latest);
            }
            else if (latest.Count == 0)
            {
                context.WriteLine("The run has no metrics.");
            }
            else
            {
                var rows = new List<string[]>();
                foreach (var one in latest)
                {
                    var history = one.Points > 1
                        ? (await client.GetMetricAsync(new MetricQuery { RunId = id, Name = $"{one.Stage}.{one.Name}", Points = SparkWidth * 4 }, cancellationToken))[0]
                        : null;
                    rows.Add([one.Stage, one.Name, Number(one.Value), one.Points > 0 ? one.Step.ToString(CultureInfo.InvariantCulture) : "", one.Points > 0 ? Texts.Count(one.Points) : "output",
                        history is null ? "" : Plot.Sparkline(history.Values, SparkWidth)]);
                }

                context.WriteTable(["stage", "metric", "value", "step", "points", "history"], rows);
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    private static void Draw(CliContext context, IReadOnlyList<MetricSeries> series, bool json)
    {
        if (json)
        {
            context.WriteJson(series);
            return;
        }

        foreach (var one in series)
        {
            context.WriteLine($"{one.Stage}.{one.Name}: {Texts.Count(one.Total)} points, attempt {one.Attempt}");
            foreach (var line in Plot.Lines(one.Steps, one.Values, Math.Clamp(context.Console.Profile.Width - 12, 20, 100), 12))
            {
                context.WriteLine(line);
            }
        }
    }

    private static string Number(double value) => value.ToString("G6", CultureInfo.InvariantCulture);
}
