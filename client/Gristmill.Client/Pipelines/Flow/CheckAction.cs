namespace Gristmill;

/// <summary>What a broken rule of a check does.</summary>
public enum CheckAction
{
    /// <summary>The stage fails, and what takes the table from it does not run.</summary>
    Block,
    /// <summary>It shows in the metrics and findings alone.</summary>
    Warn,
}
