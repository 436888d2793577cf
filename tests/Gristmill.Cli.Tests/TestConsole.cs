using Spectre.Console;

namespace Gristmill.Cli;

/// <summary>A console that writes to text, as if redirected to a file.</summary>
internal sealed class TestConsole
{
    private readonly System.Text.StringBuilder _text = new();

    public TestConsole() => Console = AnsiConsole.Create(new AnsiConsoleSettings
    {
        Ansi = AnsiSupport.No,
        Interactive = InteractionSupport.No,
        Out = new AnsiConsoleOutput(new StringWriter(_text)),
    });

    public IAnsiConsole Console { get; }

    public string Text => _text.ToString().ReplaceLineEndings("\n");
}
