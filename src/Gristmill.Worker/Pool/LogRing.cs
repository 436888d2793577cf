using System.Globalization;
using System.Text;

namespace Gristmill.Worker;

/// <summary>
/// Takes a worker's standard output and error line by line: keeps the last lines for crash reports and appends all of them to
/// a log file. Lines are cut at a bound, so that no stage can fill the silo's memory by printing.
/// </summary>
internal sealed class LogRing : IDisposable
{
    private const int MaxLineBytes = 4096;
    private const int MaxLinesPerSecond = 2000;
    private const long MaxFileBytes = 4 << 20;

    private readonly Lock _gate = new();
    private readonly string[] _lines;
    private readonly string? _path;
    private readonly TimeProvider _time;
    private readonly LogMarks? _marks;
    private readonly Action<long, bool>? _onMark;
    private StreamWriter? _file;
    private long _second;
    private int _inSecond;
    private long _left;
    private long _written;
    private long _count;

    /// <summary>Creates it.</summary>
    /// <param name="capacity">Lines kept.</param>
    /// <param name="path">Log file, or null.</param>
    /// <param name="time">Clock of the time stamps in the file.</param>
    /// <param name="marks">Knows the marks of attempts; null: there are none.</param>
    /// <param name="onMark">Called with an attempt's id when its output begins (true) and ends.</param>
    public LogRing(int capacity, string? path, TimeProvider time, LogMarks? marks = null, Action<long, bool>? onMark = null)
    {
        (_marks, _onMark) = (marks, onMark);
        _lines = new string[capacity];
        _path = path;
        _time = time;
        Open();
    }

    /// <summary>The log of the attempt whose output comes now.</summary>
    public AttemptLog? Sink { get; set; }

    /// <summary>The last lines, oldest first.</summary>
    public string[] Tail()
    {
        lock (_gate)
        {
            var kept = (int)Math.Min(_count, _lines.Length);
            var tail = new string[kept];
            for (var at = 0; at < kept; at++)
            {
                tail[at] = _lines[(_count - kept + at) % _lines.Length];
            }

            return tail;
        }
    }

    /// <summary>Adds a line.</summary>
    public void Add(string line)
    {
        lock (_gate)
        {
            _lines[_count++ % _lines.Length] = line;
            if (_file is null)
            {
                return;
            }

            try
            {
                if (!MayWrite())
                {
                    return;
                }

                _file.Write(_time.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z' ", CultureInfo.InvariantCulture));
                _file.WriteLine(line);
                _file.Flush();
                _written += line.Length + 26;
                if (_written > MaxFileBytes)
                {
                    _file.Dispose();
                    File.Move(_path!, _path + ".1", overwrite: true);
                    Open();
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or ObjectDisposedException)
            {
                // A full disk must not stop the pump: the worker would block on its pipe.
                _file = null;
            }
        }
    }

    /// <summary>Whether this line goes to the file: a second takes so many, the rest is counted. The attempt's own log has what is left out here.</summary>
    private bool MayWrite()
    {
        var second = _time.GetUtcNow().ToUnixTimeSeconds();
        if (second != _second)
        {
            if (_left > 0)
            {
                _file!.WriteLine($"({_left} more lines)");
            }

            (_second, _inSecond, _left) = (second, 0, 0);
        }

        if (++_inSecond <= MaxLinesPerSecond)
        {
            return true;
        }

        _left++;
        return false;
    }

    /// <summary>Reads lines to the end of the stream.</summary>
    public async Task PumpAsync(Stream stream)
    {
        var buffer = new byte[MaxLineBytes];
        var end = 0;
        try
        {
            int read;
            while ((read = await stream.ReadAsync(buffer.AsMemory(end)).ConfigureAwait(false)) > 0)
            {
                end += read;
                var start = 0;
                for (int length; (length = buffer.AsSpan(start, end - start).IndexOf((byte)'\n')) >= 0; start += length + 1)
                {
                    AddBytes(buffer.AsSpan(start, length), endsLine: true);
                }

                buffer.AsSpan(start, end - start).CopyTo(buffer);
                end -= start;
                if (end == buffer.Length)
                {
                    // A mark is not cut: it ends the line, and is shorter than what is kept back.
                    var mark = buffer.AsSpan(end - LogMarks.MaxBytes).IndexOf(LogMarks.Separator);
                    var cut = mark < 0 ? end : end - LogMarks.MaxBytes + mark;
                    AddBytes(buffer.AsSpan(0, cut), endsLine: false);
                    buffer.AsSpan(cut, end - cut).CopyTo(buffer);
                    end -= cut;
                }
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // The pipe is gone with its process.
        }

        if (end > 0)
        {
            AddBytes(buffer.AsSpan(0, end), endsLine: false);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _file?.Dispose();
            _file = null;
        }
    }

    private void AddBytes(ReadOnlySpan<byte> line, bool endsLine)
    {
        if (_marks is not null && _marks.Find(line, out var id, out var begins) is >= 0 and var at)
        {
            // What stood on the line before it was printed without an end.
            if (at > 0)
            {
                AddBytes(line[..at], endsLine: false);
            }

            _onMark?.Invoke(id, begins);
            return;
        }

        if (Sink is { Redactor: { } redactor })
        {
            line = Encoding.UTF8.GetBytes(redactor.Redact(Encoding.UTF8.GetString(line)));
        }

        if (Sink is { } sink)
        {
            sink.Write(line);
            if (endsLine)
            {
                sink.Write("\n"u8);
            }
        }

        Add(Encoding.UTF8.GetString(line.TrimEnd("\r"u8)));
    }

    private void Open()
    {
        if (_path is null)
        {
            return;
        }

        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_path)!);
            var file = new FileStream(_path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
            _written = file.Length;
            _file = new StreamWriter(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _file = null;
        }
    }
}
