namespace Gristmill.Engines.MLNet;

/// <summary>Where a cursor stands: getters close over it.</summary>
internal sealed class RowState
{
    /// <summary>Row in the current batch; -1 before the first.</summary>
    internal int Row = -1;
}
