using System.Globalization;
using System.Text;

namespace Gristmill.Worker;

/// <summary>
/// Lines on a worker's standard output that say where an attempt's output begins and ends: output and results come by two ways,
/// and only the way of the output knows what came before what. The worker's token is in them, so that no output looks like one by chance.
/// </summary>
internal sealed class LogMarks(string token)
{
    /// <summary>What a mark starts with; "record separator", which texts do not have.</summary>
    public const byte Separator = 0x1E;

    /// <summary>Bytes of the longest mark.</summary>
    public const int MaxBytes = 128;

    private readonly byte[] _prefix = [Separator, .. Encoding.ASCII.GetBytes(token), (byte)' '];

    /// <summary>Writes the mark of an attempt's begin or end, after all that was printed before.</summary>
    public void Write(long id, bool begins)
    {
        Console.Out.Flush();
        Console.Error.Flush();
        LinuxProcess.FlushNative();
        byte[] mark = [.. _prefix, (byte)(begins ? '+' : '-'), .. Encoding.ASCII.GetBytes(id.ToString(CultureInfo.InvariantCulture)), (byte)'\n'];
        // One write below the size of a pipe's page: nothing comes in between.
        using var output = Console.OpenStandardOutput();
        output.Write(mark);
    }

    /// <summary>Reads the mark at the end of a line.</summary>
    /// <returns>Where the mark starts, or -1 if there is none.</returns>
    public int Find(ReadOnlySpan<byte> line, out long id, out bool begins)
    {
        (id, begins) = (0, false);
        var at = line.IndexOf(Separator);
        while (at >= 0)
        {
            var mark = line[at..];
            if (mark.StartsWith(_prefix) && mark.Length > _prefix.Length + 1
                && long.TryParse(mark[(_prefix.Length + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out id))
            {
                begins = mark[_prefix.Length] == '+';
                return at;
            }

            var next = line[(at + 1)..].IndexOf(Separator);
            at = next < 0 ? -1 : at + 1 + next;
        }

        return -1;
    }
}
