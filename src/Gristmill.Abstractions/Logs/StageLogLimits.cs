namespace Gristmill;

/// <summary>Limits of reading logs.</summary>
public static class StageLogLimits
{
    /// <summary>Most bytes of one page: a page is one message.</summary>
    public const int MaxPageBytes = 32 << 10;
}
