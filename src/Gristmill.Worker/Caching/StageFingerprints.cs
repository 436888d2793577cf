using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Gristmill.Engines;
using Gristmill.Objects;

namespace Gristmill.Worker;

/// <summary>
/// Says what a stage's result depends on: its operation and options, what its inputs hold, the files it reads, the code it
/// calls, and the engine that runs it. The run, the stage's name and its limits do not matter.
/// </summary>
/// <param name="objects">The host's objects.</param>
/// <param name="content">Model packages and user assemblies.</param>
/// <param name="baseDirectory">Base of relative paths in options; null: they are refused when the stage runs.</param>
public sealed class StageFingerprints(ObjectStore objects, ContentStore content, string? baseDirectory) : IStageFingerprints
{
    /// <summary>More parts than a person reads are folded into one digest.</summary>
    private const int MostOptions = 64;
    private const int LongestValue = 48;

    private readonly CodeDigests _code = new(content);

    /// <inheritdoc/>
    public StageFingerprint Compute(StageRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        var parts = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["operation"] = request.Operation };
        foreach (var (name, value) in EngineVersions.Of(request.Operation))
        {
            parts[name] = value;
        }

        using var options = JsonDocument.Parse(request.Options);
        string? refusal = null, doubt = null;
        if (request.Operation == StageOperations.Code)
        {
            (refusal, doubt) = AddCode(parts, request.Code, options.RootElement);
        }
        else
        {
            AddOptions(parts, "option", options.RootElement, static _ => true);
            refusal = SourceStamps.Add(parts, request.Operation, options.RootElement, baseDirectory, cancellationToken);
            doubt = request.Operation == StageOperations.SqlQuery ? QueryDoubts.Of(options.RootElement)
                : request.Operation == StageOperations.SqlCheck && request.Options.Contains("\"fresh\"", StringComparison.Ordinal) ? "it compares times with the clock"
                : request.Operation == StageOperations.SqlCheck && request.Options.Contains("\"where\"", StringComparison.Ordinal) ? "a rule of it may call anything"
                : null;
        }

        foreach (var (name, input) in request.Inputs)
        {
            parts[$"input {name}"] = Content(input);
        }

        ImmutableArray<FingerprintPart> all = [.. parts.Select(static p => new FingerprintPart(p.Key, p.Value))];
        return new StageFingerprint { Key = refusal is null ? Key(all) : null, Parts = all, Refusal = refusal, Doubt = doubt };
    }

    /// <inheritdoc/>
    public StageDigest? Digest(StageSpec stage, CodeRef? code)
    {
        ArgumentNullException.ThrowIfNull(stage);
        var parts = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["operation"] = stage.Operation };
        using var options = JsonDocument.Parse(stage.Options);
        if (stage.Operation != StageOperations.Code)
        {
            AddOptions(parts, "option", options.RootElement, static _ => true);
            return new StageDigest(KeyOf(parts));
        }

        if (AddCode(parts, code, options.RootElement).Refusal is not null)
        {
            return null;
        }

        var called = parts.Where(static part => part.Key == "code" || part.Key.StartsWith("library ", StringComparison.Ordinal)).ToList();
        return new StageDigest(KeyOf(parts.Except(called)), KeyOf(called));

        static string KeyOf(IEnumerable<KeyValuePair<string, string>> parts) => Key([.. parts.Select(static p => new FingerprintPart(p.Key, p.Value))])[..16];
    }

    /// <inheritdoc/>
    public bool Holds(Artifact artifact)
    {
        ArgumentNullException.ThrowIfNull(artifact);
        return (artifact.Dataset is not { } table || objects.Contains(table.Id)) && (artifact.Model is not { } model || content.Contains(model.Digest))
            && (artifact.File is not { } file || content.Contains(file.Digest));
    }

    private (string? Refusal, string? Doubt) AddCode(SortedDictionary<string, string> parts, CodeRef? code, JsonElement options)
    {
        // Where the method is to be found is not what it does: its code speaks for it.
        AddOptions(parts, "option", options, static name => name is "outputs");
        if (options.TryGetProperty("arguments", out var arguments) && arguments.ValueKind == JsonValueKind.Object)
        {
            AddOptions(parts, "argument", arguments, static _ => true);
        }

        CodeDigest digest;
        try
        {
            digest = _code.Of(code, JsonSerializer.Deserialize<CodeCallOptions>(options, StageJson.Options)!);
        }
        catch (Exception e) when (e is GristmillException or JsonException or IOException or BadImageFormatException or UnauthorizedAccessException)
        {
            return ($"its code cannot be read: {e.Message}", null);
        }

        parts["code"] = digest.Code;
        foreach (var (name, version) in digest.Libraries)
        {
            parts[$"library {name}"] = version;
        }

        return (null, digest.Doubt);
    }

    private static void AddOptions(SortedDictionary<string, string> parts, string kind, JsonElement options, Func<string, bool> counts)
    {
        var values = options.EnumerateObject().Where(option => counts(option.Name)).OrderBy(static option => option.Name, StringComparer.Ordinal).ToList();
        foreach (var option in values.Take(MostOptions))
        {
            parts[$"{kind} {option.Name}"] = Short(GristmillJson.CanonicalText(option.Value.GetRawText()));
        }

        if (values.Count > MostOptions)
        {
            parts[$"more {kind}s"] = Digest(string.Join('\n', values.Skip(MostOptions)
                .Select(static option => JsonSerializer.Serialize(option.Name) + ":" + GristmillJson.CanonicalText(option.Value.GetRawText()))));
        }
    }

    /// <summary>What an input holds, not where: a table written again with the same rows is the same input.</summary>
    private static string Content(Artifact input) => input switch
    {
        { Dataset: { Checksum: { } checksum } table } =>
            // Not its bytes: they count the footer, which says who made it.
            string.Create(CultureInfo.InvariantCulture, $"{checksum}-{table.SchemaFingerprint}-{table.Rows}"),
        { Model: { } model } => $"{model.Engine} {model.Digest[..Math.Min(32, model.Digest.Length)]}",
        { Collection: { Items: { } items } collection } =>
            Digest(collection.Metric + "\n" + string.Join('\n', items.Select(static item => item is null ? "" : Content(item)))),
        _ => Short(GristmillJson.Canonical(input)),
    };

    private static string Key(ImmutableArray<FingerprintPart> parts) =>
        PipelineVersion.Digest(JsonSerializer.Serialize(parts.Select(static p => new[] { p.Name, p.Value })));

    private static string Short(string text) => text.Length <= LongestValue ? text : Digest(text);

    private static string Digest(string text) => PipelineVersion.Digest(text)[..32];
}
