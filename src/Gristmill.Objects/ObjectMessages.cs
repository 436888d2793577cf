using System.Collections;
using Gristmill.Objects.Mapping;
using Gristmill.Objects.Platform;
using Microsoft.Win32.SafeHandles;

namespace Gristmill.Objects;

/// <summary>
/// The messages of an object in the order of a stream. Bodies are read from its file, not through the mapping: whoever sends a table once would have every
/// page of it mapped and unmapped for that, which takes longer than the copy.
/// </summary>
public sealed class ObjectMessages : IEnumerable<ObjectMessage>, IDisposable
{
    private readonly MappedObject _object;
    private readonly SafeFileHandle? _file;

    internal ObjectMessages(MappedObject mapped, string path)
    {
        _object = mapped;
        try
        {
            _file = SegmentPlatform.Current.OpenRead(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Its name is gone since it was mapped: then through the mapping.
        }
    }

    /// <inheritdoc/>
    public IEnumerator<ObjectMessage> GetEnumerator() => _object.Messages().Select(message => new ObjectMessage(this, message.Header, message.Body, message.BodyLength)).GetEnumerator();

    /// <inheritdoc/>
    public void Dispose() => _file?.Dispose();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal void Read(long position, Span<byte> into)
    {
        while (_file is not null && !into.IsEmpty && RandomAccess.Read(_file, into, position) is > 0 and var read)
        {
            position += read;
            into = into[read..];
        }

        _object.Copy(position, into);
    }
}

/// <summary>One message of an object.</summary>
public sealed class ObjectMessage
{
    private readonly ObjectMessages _messages;
    private readonly long _body;

    internal ObjectMessage(ObjectMessages messages, ReadOnlyMemory<byte> header, long body, long bodyLength)
    {
        _messages = messages;
        _body = body;
        Header = header;
        BodyLength = bodyLength;
    }

    /// <summary>The flatbuffer, without the length prefix that it has in the file; a view over the mapping.</summary>
    public ReadOnlyMemory<byte> Header { get; }

    /// <summary>Bytes of its body; 0 for a schema.</summary>
    public long BodyLength { get; }

    /// <summary>Reads a piece of the body.</summary>
    /// <param name="at">Where it begins.</param>
    /// <param name="into">As many bytes as this holds.</param>
    public void ReadBody(long at, Span<byte> into)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(at);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(at, BodyLength - into.Length);
        _messages.Read(_body + at, into);
    }
}
