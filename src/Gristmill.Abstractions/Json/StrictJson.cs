using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Gristmill;

/// <summary>
/// Reads documents that people write by hand: a member that is not known is refused with its path and the nearest name that is, and
/// so is one that is given twice.
/// </summary>
public static class StrictJson
{
    /// <summary>Levels of nesting that are read.</summary>
    public const int MaxDepth = 64;

    private static readonly JsonDocumentOptions s_document = new() { MaxDepth = MaxDepth };

    /// <summary>Reads a document.</summary>
    /// <param name="utf8Json">The document.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: it is no JSON, or not of this shape; details hold the path.</exception>
    public static T Read<T>(ReadOnlyMemory<byte> utf8Json)
    {
        try
        {
            using var document = JsonDocument.Parse(utf8Json, s_document);
            return Read<T>(document.RootElement);
        }
        catch (JsonException e)
        {
            throw GristmillJson.Refuse<T>(e);
        }
    }

    /// <summary>Reads a document.</summary>
    /// <param name="root">The document.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: it is not of this shape; details hold the path.</exception>
    public static T Read<T>(JsonElement root)
    {
        Check(root, typeof(T), "$");
        try
        {
            return root.Deserialize<T>(GristmillJson.Options) ?? throw new JsonException("the document is null", "$", null, null);
        }
        catch (JsonException e)
        {
            throw GristmillJson.Refuse<T>(e);
        }
    }

    private static void Check(JsonElement element, Type type, string path)
    {
        var info = GristmillJson.Options.GetTypeInfo(type);
        switch (info.Kind)
        {
            case JsonTypeInfoKind.Object when element.ValueKind == JsonValueKind.Object:
                Members(element, info, path);
                break;
            case JsonTypeInfoKind.Enumerable when element.ValueKind == JsonValueKind.Array && info.ElementType is { } item:
                var at = 0;
                foreach (var entry in element.EnumerateArray())
                {
                    Check(entry, item, string.Create(CultureInfo.InvariantCulture, $"{path}[{at++}]"));
                }

                break;
            // Maps have a converter that sorts them.
            case JsonTypeInfoKind.Dictionary or JsonTypeInfoKind.None when element.ValueKind == JsonValueKind.Object && ValueOf(type) is { } value:
                var seen = new HashSet<string>(StringComparer.Ordinal);
                foreach (var entry in element.EnumerateObject())
                {
                    RequireOnce(seen, entry.Name, path);
                    Check(entry.Value, value, Below(path, entry.Name));
                }

                break;
        }
    }

    private static void Members(JsonElement element, JsonTypeInfo info, string path)
    {
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var member in element.EnumerateObject())
        {
            RequireOnce(seen, member.Name, path);
            if (info.Properties.FirstOrDefault(p => p.Name.Equals(member.Name, StringComparison.OrdinalIgnoreCase)) is not { } property)
            {
                var names = info.Properties.Select(p => p.Name).Order(StringComparer.Ordinal).ToArray();
                throw new GristmillException(ErrorCodes.Invalid, $"'{Below(path, member.Name)}' is unknown.",
                    NearestName.Of(member.Name, names) is { } near ? $"Did you mean '{near}'? Known are {string.Join(", ", names)}." : $"Known are {string.Join(", ", names)}.")
                    .With("path", Below(path, member.Name));
            }

            // A member with a converter of its own is any JSON.
            if (property.CustomConverter is null && member.Value.ValueKind is JsonValueKind.Object or JsonValueKind.Array)
            {
                Check(member.Value, property.PropertyType, Below(path, property.Name));
            }
        }
    }

    private static void RequireOnce(HashSet<string> seen, string name, string path)
    {
        if (!seen.Add(name))
        {
            throw new GristmillException(ErrorCodes.Invalid, $"'{Below(path, name)}' is given twice.", "Keep one of them.").With("path", Below(path, name));
        }
    }

    private static Type? ValueOf(Type type) => type.GetInterfaces().Prepend(type)
        .Where(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IReadOnlyDictionary<,>))
        .Select(i => i.GenericTypeArguments[1]).FirstOrDefault();

    private static string Below(string path, string name) => name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-') && name.Length > 0 ? $"{path}.{name}" : $"{path}['{name}']";
}
