using Gristmill.Engines.Sql;

namespace Gristmill.Data.Planning;

/// <summary>Memory for results of a few rows.</summary>
internal sealed class HeapColumns : IColumnMemory
{
    public Memory<byte> Allocate(int bytes) => bytes == 0 ? default : GC.AllocateArray<byte>(bytes, pinned: true);

    public Memory<byte> AllocateUninitialized(int bytes) => bytes == 0 ? default : GC.AllocateUninitializedArray<byte>(bytes, pinned: true);
}
