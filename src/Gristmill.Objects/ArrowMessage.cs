namespace Gristmill.Objects;

/// <summary>One message of an Arrow IPC stream, as Arrow Flight sends them.</summary>
/// <param name="Header">The flatbuffer, without the length prefix that it has in files and streams.</param>
/// <param name="Body">The buffers of a record batch or dictionary; empty for a schema.</param>
public readonly record struct ArrowMessage(ReadOnlyMemory<byte> Header, ReadOnlyMemory<byte> Body);
