namespace Gristmill.Data.Sources.Remote;

/// <summary>A server asks to come again.</summary>
/// <param name="message">What it said.</param>
/// <param name="after">When, if it said so.</param>
internal sealed class BusyException(string message, TimeSpan? after) : IOException(message)
{
    public TimeSpan? After { get; } = after;
}
