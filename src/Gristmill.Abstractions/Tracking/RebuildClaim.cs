namespace Gristmill;

/// <summary>Whose it is to make an index of runs anew.</summary>
public enum RebuildClaim
{
    /// <summary>Nobody's: every run was put in.</summary>
    Complete = 0,
    /// <summary>The one's who asked.</summary>
    Granted = 1,
    /// <summary>Another's, who has asked before.</summary>
    Taken = 2,
}
