using Apache.Arrow;
using Gristmill.Objects.Import;
using Gristmill.Objects.Platform;

namespace Gristmill.Objects;

/// <summary>Reads Arrow IPC from outside without a store, such as the body of a predict request.</summary>
public static class ArrowIpc
{
    /// <summary>
    /// Decodes an IPC stream or file, LZ4 and Zstandard bodies too. Everything is validated before any array is built, so
    /// hostile bytes give an error and nothing worse.
    /// </summary>
    /// <param name="bytes">The whole stream or file; copied once.</param>
    /// <param name="maxBytes">Bytes that compressed buffers may unfold to, all together.</param>
    /// <returns>The schema, and the batches, which own their memory.</returns>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Corrupt"/> with what is malformed; <see cref="ErrorCodes.Invalid"/> above <paramref name="maxBytes"/>.</exception>
    public static (Schema Schema, IReadOnlyList<RecordBatch> Batches) Decode(ReadOnlySpan<byte> bytes, long maxBytes = 1L << 30)
    {
        var memory = new HeapMemory(bytes.Length);
        unsafe
        {
            bytes.CopyTo(new Span<byte>(memory.Pointer, bytes.Length));
            var source = new IpcSource(memory, memory.Pointer, bytes.Length, maxBytes);
            var arena = new Arena();
            return (source.Schema, [.. source.Batches(arena, arena)]);
        }
    }
}
