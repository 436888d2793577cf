namespace Gristmill.Engines.Torch;

/// <summary>What a bridge does with nulls, which tensors do not have.</summary>
public enum NullHandling
{
    /// <summary>Refuses a column that holds any (<see cref="ErrorCodes.BadValue"/>).</summary>
    Refuse = 0,
    /// <summary>Copies the column and puts NaN in their place; floating-point columns only. The copy is counted.</summary>
    NotANumber = 1,
    /// <summary>Gives whatever the buffer holds there (zero, mostly), without a copy.</summary>
    Ignore = 2,
}
