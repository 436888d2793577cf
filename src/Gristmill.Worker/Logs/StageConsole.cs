using System.Text;

namespace Gristmill.Worker;

/// <summary>
/// Where attempts share a process: hands on what an attempt writes to the console also to its log, from whatever thread or
/// task of it. What native code prints goes to the console alone.
/// </summary>
internal sealed class StageConsole : TextWriter
{
    private static readonly AsyncLocal<AttemptLog?> Current = new();
    private static readonly Lock Gate = new();

    private static TextWriter? s_out;
    private static TextWriter? s_error;

    private readonly TextWriter _console;

    private StageConsole(TextWriter console) => _console = console;

    public override Encoding Encoding => _console.Encoding;

    /// <summary>What the calling flow writes to the console goes to a log too, until the result is disposed of.</summary>
    public static IDisposable Enter(AttemptLog log)
    {
        lock (Gate)
        {
            // Anybody may have set another writer meanwhile. What the console hands out is not what it was given, but a lock around it.
            if (!ReferenceEquals(Console.Out, s_out))
            {
                Console.SetOut(new StageConsole(Console.Out));
                s_out = Console.Out;
            }

            if (!ReferenceEquals(Console.Error, s_error))
            {
                Console.SetError(new StageConsole(Console.Error));
                s_error = Console.Error;
            }
        }

        Current.Value = log;
        return new Scope();
    }

    public override void Write(char value)
    {
        Log([value]);
        _console.Write(value);
    }

    public override void Write(char[] buffer, int index, int count) => Write(buffer.AsSpan(index, count));

    public override void Write(ReadOnlySpan<char> buffer)
    {
        Log(buffer);
        _console.Write(buffer);
    }

    public override void Write(string? value) => Write(value.AsSpan());

    public override void WriteLine(string? value) => Write((value + NewLine).AsSpan());

    public override void WriteLine() => Write(NewLine.AsSpan());

    public override void Flush() => _console.Flush();

    private static void Log(ReadOnlySpan<char> text) => Current.Value?.Print(text);

    private sealed class Scope : IDisposable
    {
        public void Dispose() => Current.Value = null;
    }
}
