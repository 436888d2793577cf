using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Gristmill;

/// <summary>
/// How specs, views, requests and errors are written as JSON: camelCase, enums as camelCase names, absent instead of
/// null, and literals (stage options, parameter values) as plain JSON instead of quoted text.
/// </summary>
/// <remarks>
/// Reflection and not a source-generated context: generated code loses the defaults of init-only properties that a
/// document leaves out, and leaving out is what people who write specs by hand do.
/// </remarks>
public static class GristmillJson
{
    /// <summary>For what comes in: unknown and repeated members are refused, so a typing error is an error.</summary>
    public static JsonSerializerOptions Options { get; } = Create(strict: true);

    /// <summary>For answers of a server that may be newer than this library: unknown members are ignored.</summary>
    public static JsonSerializerOptions Tolerant { get; } = Create(strict: false);

    private static readonly JsonSerializerOptions Indented = new(Options) { WriteIndented = true };

    /// <summary>Writes a value the short way.</summary>
    public static string Serialize<T>(T value) => JsonSerializer.Serialize(value, Options);

    /// <summary>Writes a value for people: indented, members of specs in their order, keys of maps sorted.</summary>
    public static string SerializeIndented<T>(T value) => JsonSerializer.Serialize(value, Indented);

    /// <summary>Reads a value, refusing unknown members.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>, with the JSON path of what is wrong.</exception>
    public static T Deserialize<T>(string json)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(json, Options) ?? throw new JsonException("the document is null");
        }
        catch (JsonException e)
        {
            throw Refuse<T>(e);
        }
    }

    /// <summary>What to tell somebody whose JSON does not fit.</summary>
    public static GristmillException Refuse<T>(JsonException error)
    {
        ArgumentNullException.ThrowIfNull(error);
        var refusal = new GristmillException(ErrorCodes.Invalid, $"The JSON is not a {typeof(T).Name}: {error.Message}",
            "Correct the member at that path; member names are camelCase, enums are camelCase names.", error);
        return error.Path is null ? refusal : refusal.With("path", error.Path);
    }

    /// <summary>Reads a value from UTF-8, refusing unknown members.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>, with the JSON path of what is wrong.</exception>
    public static T Deserialize<T>(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(json, Options) ?? throw new JsonException("the document is null");
        }
        catch (JsonException e)
        {
            throw Refuse<T>(e);
        }
    }

    /// <summary>The canonical form: keys sorted ordinally at every depth, no white space, numbers as they were written.</summary>
    public static string Canonical<T>(T value) => CanonicalText(JsonSerializer.SerializeToElement(value, Options));

    /// <summary>The canonical form in UTF-8.</summary>
    public static byte[] CanonicalBytes<T>(T value) => WriteCanonical(JsonSerializer.SerializeToElement(value, Options)).WrittenSpan.ToArray();

    /// <summary>The canonical form of JSON text.</summary>
    /// <exception cref="JsonException">It is not JSON.</exception>
    public static string CanonicalText(string json)
    {
        using var document = JsonDocument.Parse(json);
        return CanonicalText(document.RootElement);
    }

    private static string CanonicalText(JsonElement element) => Encoding.UTF8.GetString(WriteCanonical(element).WrittenSpan);

    private static ArrayBufferWriter<byte> WriteCanonical(JsonElement element)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            WriteSorted(writer, element);
        }

        return buffer;
    }

    private static void WriteSorted(Utf8JsonWriter writer, JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (var member in element.EnumerateObject().OrderBy(m => m.Name, StringComparer.Ordinal))
                {
                    writer.WritePropertyName(member.Name);
                    WriteSorted(writer, member.Value);
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in element.EnumerateArray())
                {
                    WriteSorted(writer, item);
                }

                writer.WriteEndArray();
                break;
            case JsonValueKind.String:
                writer.WriteStringValue(element.GetString());
                break;
            default:
                writer.WriteRawValue(element.GetRawText(), skipInputValidation: true);
                break;
        }
    }

    /// <summary>Makes a host's own options write and read as <see cref="Options"/> do.</summary>
    public static void Configure(JsonSerializerOptions options) => Configure(options, strict: true);

    private static void Configure(JsonSerializerOptions options, bool strict)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.PropertyNamingPolicy = JsonNamingPolicy.CamelCase;
        options.PropertyNameCaseInsensitive = true;
        options.UnmappedMemberHandling = strict ? JsonUnmappedMemberHandling.Disallow : JsonUnmappedMemberHandling.Skip;
        options.AllowDuplicateProperties = !strict;
        options.NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals;
        options.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
        options.RespectNullableAnnotations = true;
        options.RespectRequiredConstructorParameters = true;
        options.Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
        options.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false));
        options.Converters.Add(new SortedMapConverterFactory());
    }

    private static JsonSerializerOptions Create(bool strict)
    {
        // Named, as file-based programs switch the default resolver off unless they say otherwise.
        var options = new JsonSerializerOptions { TypeInfoResolver = new DefaultJsonTypeInfoResolver() };
        Configure(options, strict);
        options.MakeReadOnly();
        return options;
    }
}
