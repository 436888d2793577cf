namespace Gristmill;

/// <summary>Asks that a model be served.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.DeploymentSpec")]
public sealed record DeploymentSpec
{
    /// <summary>The registered model.</summary>
    [Id(0)] public required string Model { get; init; }
    /// <summary>Its version.</summary>
    /// <value>null: the newest.</value>
    [Id(1)] public int? Version { get; init; }
    /// <summary>Requests in flight above which more are refused with 503 and Retry-After.</summary>
    /// <value>1024</value>
    [Id(2)] public int MaxInFlight { get; init; } = 1024;
    /// <summary>Idle time after which the model is unloaded; the next call loads it again.</summary>
    /// <value>10 minutes</value>
    [Id(3)] public TimeSpan IdleAfter { get; init; } = TimeSpan.FromMinutes(10);
}

/// <summary>A deployment as it stands.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.DeploymentView")]
public sealed record DeploymentView
{
    /// <summary>Its name: the last part of its predict URL.</summary>
    [Id(0)] public required string Name { get; init; }
    /// <summary>What was asked for.</summary>
    [Id(1)] public required DeploymentSpec Spec { get; init; }
    /// <summary>The version it resolved to.</summary>
    [Id(2)] public required int Version { get; init; }
    /// <summary>The package it serves.</summary>
    [Id(3)] public required ModelRef Package { get; init; }
    /// <summary>Counts up with each change, so that a late push never replaces a newer one.</summary>
    [Id(4)] public required long Generation { get; init; }
    /// <summary>When it was last changed.</summary>
    [Id(5)] public required DateTimeOffset Updated { get; init; }
}
