using Apache.Arrow;
using Gristmill.Data.Execution;
using Gristmill.Data.Interop;

namespace Gristmill.Data.Sources.Avro;

/// <summary>A block as it is in the file.</summary>
/// <param name="Number">Its number in the file, from 0.</param>
/// <param name="FirstRow">Number of its first row in the file, from 0.</param>
/// <param name="Rows">Rows in it, as it claims.</param>
/// <param name="Data">The packed rows.</param>
internal sealed record AvroBlock(long Number, long FirstRow, int Rows, Memory<byte> Data);

/// <summary>Some blocks of a file on their way to be decoded: it has rows and no columns yet.</summary>
internal sealed class AvroBlocks(RecordBatch rows, BlockMemory memory, SourceFile file, AvroHeader header, IReadOnlyList<AvroBlock> parts) : Block(rows, memory)
{
    public SourceFile File => file;

    public AvroHeader Header => header;

    public IReadOnlyList<AvroBlock> Parts => parts;
}
