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
        Check(root, typeof(T), GristmillJson.Options);
        try
        {
            return root.Deserialize<T>(GristmillJson.Options) ?? throw new JsonException("the document is null", "$", null, null);
        }
        catch (JsonException e)
        {
            throw GristmillJson.Refuse<T>(e);
        }
    }

    /// <summary>Checks the names of members, that what is required is there, and that simple values are of their type.</summary>
    /// <param name="root">The document.</param>
    /// <param name="type">The shape it is to have.</param>
    /// <param name="json">How it is going to be read.</param>
    /// <param name="isOpen">Whether a value is not known yet, and fits anything.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: it is not of this shape; details hold the path.</exception>
    public static void Check(JsonElement root, Type type, JsonSerializerOptions json, Func<JsonElement, bool>? isOpen = null)
    {
        ArgumentNullException.ThrowIfNull(json);
        // Options that nothing was read with yet have no metadata.
        json.MakeReadOnly(populateMissingResolver: true);
        new Shape(json, isOpen ?? (static _ => false)).Check(root, type, "$");
    }

    private readonly struct Shape(JsonSerializerOptions json, Func<JsonElement, bool> isOpen)
    {
        public void Check(JsonElement element, Type type, string path)
        {
            if (isOpen(element) || element.ValueKind == JsonValueKind.Null)
            {
                return;
            }

            var info = json.GetTypeInfo(Nullable.GetUnderlyingType(type) ?? type);
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
                case JsonTypeInfoKind.Dictionary or JsonTypeInfoKind.None when element.ValueKind == JsonValueKind.Object && ValueOf(info.Type) is { } value:
                    var seen = new HashSet<string>(StringComparer.Ordinal);
                    foreach (var entry in element.EnumerateObject())
                    {
                        RequireOnce(seen, entry.Name, path);
                        Check(entry.Value, value, Below(path, entry.Name));
                    }

                    break;
                default:
                    Value(element, info, path);
                    break;
            }
        }

        private void Members(JsonElement element, JsonTypeInfo info, string path)
        {
            var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
            foreach (var member in element.EnumerateObject())
            {
                RequireOnce(seen, member.Name, path);
                if (info.Properties.FirstOrDefault(p => p.Name.Equals(member.Name, StringComparison.OrdinalIgnoreCase)) is not { } property)
                {
                    var names = info.Properties.Select(p => p.Name).Order(StringComparer.Ordinal).ToArray();
                    throw new GristmillException(ErrorCodes.Invalid, $"'{Below(path, member.Name)}' is unknown.",
                        names is [] ? "Nothing can be given here." : NearestName.Of(member.Name, names) is { } near ? $"Did you mean '{near}'? Known are {string.Join(", ", names)}." : $"Known are {string.Join(", ", names)}.")
                        .With("path", Below(path, member.Name));
                }

                // A member with a converter of its own is any JSON.
                if (property.CustomConverter is null)
                {
                    Check(member.Value, property.PropertyType, Below(path, property.Name));
                }
            }

            if (info.Properties.FirstOrDefault(p => IsRequired(p) && !seen.Contains(p.Name)) is { } missing)
            {
                throw new GristmillException(ErrorCodes.Invalid, $"'{Below(path, missing.Name)}' is missing.", "Give it a value.").With("path", Below(path, missing.Name));
            }
        }

        /// <summary>What has no members: whether it can be read is for its converter to say, and for people is said here.</summary>
        private void Value(JsonElement element, JsonTypeInfo info, string path)
        {
            try
            {
                element.Deserialize(info);
            }
            catch (JsonException)
            {
                throw new GristmillException(ErrorCodes.Invalid, $"'{path}' is {Shown(element)}, not {Expected(info)}.", "Correct the value.").With("path", path);
            }
        }

        private string Expected(JsonTypeInfo info) => Type.GetTypeCode(info.Type) switch
        {
            _ when info.Type.IsEnum => $"one of {string.Join(", ", Enum.GetValues(info.Type).Cast<object>().Select(Name))}",
            TypeCode.Boolean => "true or false",
            TypeCode.String => "a text",
            TypeCode.Single or TypeCode.Double or TypeCode.Decimal => "a number",
            >= TypeCode.SByte and <= TypeCode.UInt64 => $"a whole number{Range(info.Type)}",
            _ when info.Kind == JsonTypeInfoKind.Enumerable => "a list",
            _ when info.Kind is JsonTypeInfoKind.Object or JsonTypeInfoKind.Dictionary => "an object",
            _ => "a value that can stand here",
        };

        private string Name(object value) => JsonSerializer.SerializeToElement(value, value.GetType(), json).ToString();

        private static string Range(Type type) => type == typeof(int) ? " of 32 bits" : "";
    }

    private static bool IsRequired(JsonPropertyInfo property) =>
        property.IsRequired || property.AssociatedParameter is { HasDefaultValue: false, IsNullable: false };

    private static string Shown(JsonElement element) => element.GetRawText() is { Length: > 60 } text ? $"{text.AsSpan(0, 57)}..." : element.GetRawText();

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
