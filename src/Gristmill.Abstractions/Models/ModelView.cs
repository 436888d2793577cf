using System.Collections.Immutable;

namespace Gristmill;

/// <summary>A registered model in a list.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.ModelView")]
public sealed record ModelView
{
    /// <summary>Its name.</summary>
    [Id(0)] public required string Name { get; init; }
    /// <summary>Its versions, newest last.</summary>
    [Id(1)] public ImmutableArray<ModelVersionView> Versions { get; init; } = [];
}

/// <summary>One version of a registered model.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.ModelVersionView")]
public sealed record ModelVersionView
{
    /// <summary>Counts from 1 within the model.</summary>
    [Id(0)] public required int Version { get; init; }
    /// <summary>The package.</summary>
    [Id(1)] public required ModelRef Model { get; init; }
    /// <summary>When it was registered.</summary>
    [Id(2)] public required DateTimeOffset Created { get; init; }
    /// <summary>The run that made it, or null.</summary>
    [Id(3)] public string? RunId { get; init; }
    /// <summary>The stage that registered it, or null.</summary>
    [Id(4)] public string? Stage { get; init; }
    /// <summary>Metrics it was registered with.</summary>
    [Id(5)] public ImmutableDictionary<string, double> Metrics { get; init; } = ImmutableDictionary<string, double>.Empty;
}

/// <summary>Asks for a new version.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.RegisterModelRequest")]
public sealed record RegisterModelRequest
{
    /// <summary>The package.</summary>
    [Id(0)] public required ModelRef Model { get; init; }
    /// <summary>Two requests with the same key make one version: "run/stage" for stages.</summary>
    [Id(1)] public string? IdempotencyKey { get; init; }
    /// <summary>The run that made it, or null.</summary>
    [Id(2)] public string? RunId { get; init; }
    /// <summary>The stage, or null.</summary>
    [Id(3)] public string? Stage { get; init; }
    /// <summary>Metrics to keep with it.</summary>
    [Id(4)] public ImmutableDictionary<string, double> Metrics { get; init; } = ImmutableDictionary<string, double>.Empty;
}
