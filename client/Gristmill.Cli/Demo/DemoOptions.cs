namespace Gristmill.Cli.Demo;

/// <summary>What 'mill demo' was asked for.</summary>
internal sealed record DemoOptions
{
    public bool Keep { get; init; }
    public string? DataDirectory { get; init; }
    public int Requests { get; init; } = 2000;
    public bool Json { get; init; }
}
