using System.Collections.Concurrent;

namespace Gristmill.Grains.Testing;

/// <summary>Fingerprints of queries, by options and inputs alone; tests may have doubts about a stage, or lose a table.</summary>
internal sealed class ScriptedFingerprints : IStageFingerprints
{
    /// <summary>An operation that the test of the counter alone has.</summary>
    public const string Counted = "test.counted";

    /// <summary>Doubts by stage.</summary>
    public ConcurrentDictionary<string, string> Doubts { get; } = new();

    /// <summary>Ids of tables that are gone.</summary>
    public ConcurrentDictionary<string, bool> Lost { get; } = new();

    /// <summary>Errors by stage.</summary>
    public ConcurrentDictionary<string, Exception> Errors { get; } = new();

    /// <summary>Digests of stages' code by stage; null: it cannot be read.</summary>
    public ConcurrentDictionary<string, string?> Codes { get; } = new();

    /// <summary>Stages whose code was asked for.</summary>
    public ConcurrentQueue<string> Asked { get; } = new();

    public StageDigest? Digest(StageSpec stage, CodeRef? code)
    {
        Asked.Enqueue(stage.Name);
        return Codes.TryGetValue(stage.Name, out var known) && known is null ? null : new StageDigest(GristmillJson.CanonicalText(stage.Options), known);
    }

    public StageFingerprint Compute(StageRequest request, CancellationToken cancellationToken)
    {
        if (Errors.TryGetValue(request.Stage, out var error))
        {
            throw error;
        }

        if (request.Operation is not (StageOperations.SqlQuery or Counted))
        {
            // Tests share a cluster: none may take over what another's stage of the same options has made.
            return new StageFingerprint { Refusal = "it is no query" };
        }

        FingerprintPart[] parts =
        [
            new("operation", request.Operation),
            new("option all", request.Options),
            .. request.Inputs.OrderBy(static i => i.Key, StringComparer.Ordinal).Select(static i => new FingerprintPart($"input {i.Key}", GristmillJson.Canonical(i.Value))),
        ];
        return new StageFingerprint
        {
            Key = PipelineVersion.Digest(string.Join('\n', parts.Select(static p => $"{p.Name}={p.Value}"))),
            Parts = [.. parts],
            Doubt = Doubts.GetValueOrDefault(request.Stage),
        };
    }

    public bool Holds(Artifact artifact) => artifact.Dataset is not { } table || !Lost.ContainsKey(table.Id);
}
