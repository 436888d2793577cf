namespace Gristmill.Grains.Serving;

/// <summary>A deployment; the generation stays when it is removed, so that it never goes back.</summary>
[GenerateSerializer, Alias("gristmill.state.Deployment")]
internal sealed record DeploymentState
{
    [Id(0)] public DeploymentView? View { get; init; }
    [Id(1)] public long Generation { get; init; }
}
