namespace Gristmill;

/// <summary>What a failed stage means for the others.</summary>
public enum FailurePolicy
{
    /// <summary>Nothing more starts; what runs may finish.</summary>
    FailFast = 0,
    /// <summary>Stages that do not wait for the failed one go on.</summary>
    Continue = 1,
}
