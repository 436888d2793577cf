namespace Gristmill.Engines.Sql.Interop;

/// <summary>Parts that are worked out from the rows themselves, before the first scan that asks for them.</summary>
internal sealed class AssignedPartition : RowPartition
{
    private sbyte[] _parts = [];

    /// <summary>Says the part of each row.</summary>
    public void Assign(sbyte[] parts) => _parts = parts;

    public override sbyte Of(long row) => _parts[row];
}
