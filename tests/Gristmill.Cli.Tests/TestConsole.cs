using Spectre.Console;

namespace Gristmill.Cli;

/// <summary>A console that writes to text, as if redirected to a file, or to a terminal of a width.</summary>
internal sealed class TestConsole
{
    private readonly System.Text.StringBuilder _text = new();

    public TestConsole(int? terminal = null)
    {
        Console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = terminal is null ? AnsiSupport.No : AnsiSupport.Yes,
            ColorSystem = ColorSystemSupport.NoColors,
            Interactive = terminal is null ? InteractionSupport.No : InteractionSupport.Yes,
            Out = new AnsiConsoleOutput(new StringWriter(_text)),
        });
        Console.Profile.Width = terminal ?? Console.Profile.Width;
    }

    public IAnsiConsole Console { get; }

    public string Text => _text.ToString().ReplaceLineEndings("\n");
}
