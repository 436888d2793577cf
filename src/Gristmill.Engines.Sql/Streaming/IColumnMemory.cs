namespace Gristmill.Engines.Sql;

/// <summary>Where the columns of a result are written.</summary>
public interface IColumnMemory
{
    /// <summary>Memory whose address does not move: zeroed, and aligned to 64 bytes.</summary>
    /// <param name="bytes">Its length; 0 gives none.</param>
    Memory<byte> Allocate(int bytes);

    /// <summary>Memory like that of <see cref="Allocate"/>, but with whatever was in it: for buffers of which every byte is written.</summary>
    /// <param name="bytes">Its length; 0 gives none.</param>
    Memory<byte> AllocateUninitialized(int bytes);
}
