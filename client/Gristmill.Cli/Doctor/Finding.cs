namespace Gristmill.Cli.Doctor;

/// <summary>How a check came out.</summary>
internal enum Health
{
    Well,
    Warning,
    Wrong,
}

/// <summary>What a check found, and what to do about it.</summary>
internal sealed record Finding(string Check, Health Health, string Found, string? Remedy = null);
