using System.CommandLine;
using System.Text;
using Gristmill.Client;
using Spectre.Console;

namespace Gristmill.Cli;

/// <summary>What every command has: the console, the clock, the options that many share.</summary>
internal sealed class CliContext(IAnsiConsole console)
{
    public IAnsiConsole Console { get; } = console;

    public TimeProvider Time { get; } = TimeProvider.System;

    /// <summary>A fresh option for the server's address.</summary>
    public static Option<string?> ServerOption() => new("--server", "-s", "--cluster", "-c")
    {
        Description = "The server's address (default: GRISTMILL_SERVER, else http://127.0.0.1:5080).",
        HelpName = "URL",
    };

    /// <summary>A fresh option for machine-readable output.</summary>
    public static Option<bool> JsonOption() => new("--json") { Description = "Write JSON instead of tables." };

    public static GristmillClient Connect(string? server) =>
        new(new GristmillClientOptions { Server = server is null ? GristmillClientOptions.DefaultServer : GristmillClientOptions.ParseServer(server) });

    /// <summary>Writes a line past the console's layout, which folds at its width.</summary>
    public void WriteLine(string text) => Console.Profile.Out.Writer.WriteLine(text);

    public void WriteJson<T>(T value) => WriteLine(GristmillJson.SerializeIndented(value));

    /// <summary>Whether there is somebody to draw for.</summary>
    public bool IsInteractive => Console.Profile.Capabilities.Interactive && Console.Profile.Capabilities.Ansi;

    /// <summary>Writes a table: drawn on a terminal, aligned columns of whole text where output is redirected.</summary>
    public void WriteTable(string[] headings, IEnumerable<string[]> rows)
    {
        var list = rows.ToList();
        if (IsInteractive)
        {
            var table = new Spectre.Console.Table().Border(TableBorder.Rounded).BorderColor(Color.Grey);
            foreach (var heading in headings)
            {
                table.AddColumn(new TableColumn(new Text(heading)));
            }

            foreach (var row in list)
            {
                table.AddRow(row.Select(cell => new Text(cell)));
            }

            Console.Write(table);
            return;
        }

        var widths = headings.Select((heading, i) => Math.Max(heading.Length, list.Select(row => row[i].Length).DefaultIfEmpty().Max())).ToArray();
        foreach (var row in list.Prepend(headings))
        {
            var line = new StringBuilder();
            for (var i = 0; i < row.Length; i++)
            {
                line.Append(row[i].PadRight(widths[i])).Append("  ");
            }

            WriteLine(line.ToString().TrimEnd());
        }
    }
}
