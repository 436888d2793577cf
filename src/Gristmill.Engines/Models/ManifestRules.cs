using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Gristmill.Engines.Models;

/// <summary>What a manifest must hold, checked when it is written and when it is read.</summary>
internal static class ManifestRules
{
    /// <summary>The newest format this version reads, and the one it writes.</summary>
    public const int NewestFormat = 1;

    private const int MaxColumns = 100_000;

    /// <summary>As other JSON of ours, but indented: people read manifests.</summary>
    public static JsonSerializerOptions Json { get; } = new(StageJson.Options) { WriteIndented = true };

    /// <summary>Writes manifest.json: the same manifest always gives the same bytes, so that the same model has one digest.</summary>
    public static byte[] Write(ModelManifest manifest)
    {
        var root = JsonSerializer.SerializeToNode(manifest, Json)!.AsObject();
        foreach (var name in root.Where(p => p.Value is JsonObject).Select(p => p.Key).ToArray())
        {
            // Hash tables enumerate in another order in every process.
            var members = root[name]!.AsObject().OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => KeyValuePair.Create(p.Key, p.Value?.DeepClone()));
            root[name] = new JsonObject(members);
        }

        return JsonSerializer.SerializeToUtf8Bytes(root, Json);
    }

    /// <summary>Parses and checks manifest.json.</summary>
    /// <exception cref="GristmillException">model.format.</exception>
    public static ModelManifest Parse(byte[] json)
    {
        ModelManifest manifest;
        try
        {
            using (var document = JsonDocument.Parse(json))
            {
                // Before anything else: a newer format may have members this version does not know.
                if (document.RootElement.TryGetProperty("format", out var format) && format.GetInt32() is var version and (< 1 or > NewestFormat))
                {
                    throw new GristmillException(ErrorCodes.ModelFormat, $"The model package is of format {version}; this version reads up to {NewestFormat}.",
                        "Upgrade Gristmill, or train the model again.");
                }
            }

            manifest = JsonSerializer.Deserialize<ModelManifest>(json, Json) ?? throw new JsonException("it is null");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw Malformed(e.Message, e);
        }

        Check(manifest);
        return manifest;
    }

    /// <summary>Checks a manifest.</summary>
    /// <exception cref="GristmillException">model.format.</exception>
    public static void Check(ModelManifest manifest)
    {
        if (string.IsNullOrEmpty(manifest.Engine) || !manifest.Engine.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
        {
            throw Malformed($"its engine is '{manifest.Engine}'");
        }

        Columns("input", manifest.Inputs);
        Columns("output", manifest.Outputs);
        if (!Enum.IsDefined(manifest.Task))
        {
            throw Malformed($"its task is {manifest.Task}");
        }

        if (manifest.Classes.IsDefault || manifest.Settings is null || manifest.Metrics is null || manifest.Provenance is null || manifest.Files is null)
        {
            throw Malformed("a list or table in it is null");
        }

        if (manifest.Task == ModelTask.Multiclass && manifest.Classes.Length < 2)
        {
            throw Malformed($"a multiclass model has {manifest.Classes.Length} classes");
        }

        if (manifest.Task == ModelTask.Binary && manifest.Classes.Length is not (0 or 2))
        {
            throw Malformed($"a binary model has {manifest.Classes.Length} classes");
        }

        foreach (var (name, value) in manifest.Metrics)
        {
            if (!double.IsFinite(value))
            {
                throw Malformed($"its metric '{name}' is {value}");
            }
        }

        foreach (var (name, digest) in manifest.Files)
        {
            if (!IsFileName(name) || digest.Length != 64 || !digest.All(char.IsAsciiHexDigitLower))
            {
                throw Malformed($"its file entry '{name}' is not a relative path with a SHA-256");
            }
        }

        if (manifest.Features is { } features && !manifest.Files.ContainsKey(features))
        {
            throw Malformed($"its feature file '{features}' is not among its files");
        }
    }

    private static void Columns(string kind, ImmutableArray<ColumnSignature> columns)
    {
        if (columns.IsDefault || columns.Length > MaxColumns)
        {
            throw Malformed($"it has no {kind} columns");
        }

        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var column in columns)
        {
            if (column is null || string.IsNullOrEmpty(column.Name) || column.Name.Any(char.IsControl))
            {
                throw Malformed($"an {kind} column has no usable name");
            }

            if (!names.Add(column.Name))
            {
                throw Malformed($"the {kind} column '{column.Name}' stands there twice");
            }

            if (!Enum.IsDefined(column.Type))
            {
                throw Malformed($"the {kind} column '{column.Name}' is of type {column.Type}");
            }
        }
    }

    // Relative, with '/' and without '.', '..' or empty parts: never outside the package.
    private static bool IsFileName(string name) =>
        name.Length is > 0 and <= 1024 && !name.Contains('\\') && !name.Any(char.IsControl)
        && name.Split('/').All(p => p is not ("" or "." or ".."));

    private static GristmillException Malformed(string what, Exception? inner = null) =>
        new(ErrorCodes.ModelFormat, $"The model package's manifest is malformed: {what}.", "Take the package from its source again, or train the model again.", inner);
}
