using System.Text;

namespace Gristmill.Worker;

/// <summary>
/// What one attempt prints: the beginning goes to a file as it comes, the end to a ring in memory, and what lies between is
/// counted. So an attempt that prints a gigabyte costs no more than one that prints a megabyte.
/// </summary>
/// <param name="path">The file; made with the first byte.</param>
/// <param name="headBytes">Bytes of the beginning.</param>
/// <param name="tailBytes">Bytes of the end.</param>
internal sealed class AttemptLog(string path, int headBytes, int tailBytes) : IDisposable
{
    private const int MaxLine = 16 << 10;

    private readonly Lock _gate = new();
    // What was printed of a line that has no end yet: a secret may be printed piece by piece.
    private readonly StringBuilder _line = new();
    private FileStream? _head;
    private byte[]? _ring;
    private bool _closed;

    /// <summary>Takes secrets out of what the attempt prints, line by line; null: it knows none.</summary>
    public SecretRedactor? Redactor { get; init; }

    /// <summary>All that was printed, in bytes.</summary>
    public long Bytes { get; private set; }

    /// <summary>Where the end begins that is kept.</summary>
    private long TailStart => Math.Max(headBytes, Bytes - tailBytes);

    /// <summary>Adds to it. Never fails: a full disk costs the log, not the stage.</summary>
    public void Write(ReadOnlySpan<byte> text)
    {
        lock (_gate)
        {
            if (_closed || text.IsEmpty)
            {
                return;
            }

            if (Bytes < headBytes)
            {
                var part = text[..(int)Math.Min(text.Length, headBytes - Bytes)];
                WriteHead(part);
                Bytes += part.Length;
                text = text[part.Length..];
            }

            if (text.IsEmpty)
            {
                return;
            }

            _ring ??= new byte[tailBytes];
            Bytes += text.Length;
            if (text.Length > tailBytes)
            {
                text = text[^tailBytes..];
            }

            // The byte at position p of all that was printed stands at (p - headBytes) modulo the ring.
            var at = (int)((Bytes - text.Length - headBytes) % tailBytes);
            var first = Math.Min(text.Length, tailBytes - at);
            text[..first].CopyTo(_ring.AsSpan(at));
            text[first..].CopyTo(_ring);
        }
    }

    /// <summary>Adds text in UTF-8, without the secrets in it. Of an attempt that knows some, a line shows when it has ended.</summary>
    public void Print(ReadOnlySpan<char> text)
    {
        lock (_gate)
        {
            if (Redactor is null)
            {
                Encode(text);
                return;
            }

            _line.Append(text);
            if (text.LastIndexOf('\n') is >= 0 and var end)
            {
                PrintLine(_line.Length - text.Length + end + 1);
            }
            else if (_line.Length > MaxLine)
            {
                PrintLine(_line.Length);
            }
        }
    }

    /// <summary>Reads from a position on.</summary>
    /// <returns>How many bytes were read, and where the first of them stands: later than asked for where bytes were dropped.</returns>
    public (int Read, long From) Read(long offset, Span<byte> into)
    {
        lock (_gate)
        {
            if (offset < Math.Min(Bytes, headBytes))
            {
                into = into[..(int)Math.Min(into.Length, Math.Min(Bytes, headBytes) - offset)];
                return (_head is null ? 0 : RandomAccess.Read(_head.SafeFileHandle, into, offset), offset);
            }

            var from = Math.Max(offset, TailStart);
            if (_ring is null || from >= Bytes)
            {
                return (0, Math.Min(from, Bytes));
            }

            into = into[..(int)Math.Min(into.Length, Bytes - from)];
            for (var i = 0; i < into.Length; i++)
            {
                into[i] = _ring[(int)((from + i - headBytes) % tailBytes)];
            }

            return (into.Length, from);
        }
    }

    /// <summary>Ends it: the file holds the beginning, and the end is given out.</summary>
    public byte[] Close()
    {
        lock (_gate)
        {
            PrintLine(_line.Length);
            _closed = true;
            var tail = Bytes <= headBytes ? [] : new byte[Bytes - TailStart];
            if (tail.Length > 0)
            {
                Read(TailStart, tail);
            }

            _head?.Dispose();
            _head = null;
            return tail;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Close();

    private void PrintLine(int length)
    {
        if (length > 0)
        {
            Encode(Redactor!.Redact(_line.ToString(0, length)));
            _line.Remove(0, length);
        }
    }

    private void Encode(ReadOnlySpan<char> text)
    {
        Span<byte> bytes = stackalloc byte[768];
        while (!text.IsEmpty)
        {
            // Three bytes a character at most; a pair of surrogates is not cut.
            var part = text[..Math.Min(text.Length, 256)];
            part = part.Length < text.Length && char.IsHighSurrogate(part[^1]) ? part[..^1] : part;
            Write(bytes[..Encoding.UTF8.GetBytes(part, bytes)]);
            text = text[part.Length..];
        }
    }

    private void WriteHead(ReadOnlySpan<byte> text)
    {
        try
        {
            if (_head is null && Bytes == 0)
            {
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                _head = new FileStream(path, FileMode.Create, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            }

            _head?.Write(text);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _head?.Dispose();
            _head = null;
        }
    }
}
