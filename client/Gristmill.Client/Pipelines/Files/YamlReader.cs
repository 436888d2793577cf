using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlScalar = YamlDotNet.Core.Events.Scalar;

namespace Gristmill;

/// <summary>
/// Reads YAML as JSON: one document, scalars by the core schema of YAML 1.2 (chapter 10.3 of its specification), keys text. Nesting is
/// bounded, and so is what aliases expand to.
/// </summary>
internal static partial class YamlReader
{
    private const int MaxNodes = 100_000;

    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>, with line and column.</exception>
    public static JsonNode? Read(string yaml)
    {
        try
        {
            // Comments need no attention, and are no reason to fail.
            var parser = new Parser(new Scanner(new StringReader(yaml), skipComments: true));
            parser.Consume<StreamStart>();
            if (!parser.TryConsume<DocumentStart>(out _))
            {
                throw Refuse(Mark.Empty, "The document is empty");
            }

            var node = new Reading(parser).Node(0);
            parser.Consume<DocumentEnd>();
            return parser.TryConsume<StreamEnd>(out _) ? node : throw Refuse(parser.Current!.Start, "There is a second document");
        }
        catch (YamlException e)
        {
            throw Refuse(e.Start, e.Message, e);
        }
    }

    private static GristmillException Refuse(Mark at, string what, Exception? inner = null) => new GristmillException(ErrorCodes.Invalid,
        string.Create(CultureInfo.InvariantCulture, $"The YAML cannot be read: line {at.Line}, column {at.Column}: {what}."), "Correct it there.", inner)
        .With("line", at.Line.ToString(CultureInfo.InvariantCulture)).With("column", at.Column.ToString(CultureInfo.InvariantCulture));

    private sealed class Reading(IParser parser)
    {
        private readonly Dictionary<AnchorName, (JsonNode? Node, int Size)> _anchors = [];
        private int _nodes;

        public JsonNode? Node(int depth)
        {
            var next = parser.Current!;
            if (depth > StrictJson.MaxDepth)
            {
                throw Refuse(next.Start, $"It is nested deeper than {StrictJson.MaxDepth} levels");
            }

            if (parser.TryConsume<AnchorAlias>(out var alias))
            {
                var (known, size) = _anchors.TryGetValue(alias.Value, out var found) ? found : throw Refuse(alias.Start, $"There is no anchor '{alias.Value}' before it");
                Count(size, alias.Start);
                return known?.DeepClone();
            }

            var before = _nodes;
            Count(1, next.Start);
            var anchor = (next as NodeEvent)?.Anchor ?? AnchorName.Empty;
            if (next is SequenceStart or MappingStart && ((NodeEvent)next).Tag is { IsEmpty: false, IsNonSpecific: false } tag && tag.Value is not ("tag:yaml.org,2002:seq" or "tag:yaml.org,2002:map"))
            {
                throw Refuse(next.Start, $"The tag '{tag}' is not known");
            }

            var node = next switch
            {
                YamlScalar scalar => Value(scalar),
                SequenceStart => Sequence(depth),
                MappingStart => Mapping(depth),
                _ => throw Refuse(next.Start, "A value is missing"),
            };
            if (!anchor.IsEmpty)
            {
                _anchors[anchor] = (node, _nodes - before);
            }

            return node;
        }

        private JsonArray Sequence(int depth)
        {
            var items = new JsonArray();
            parser.Consume<SequenceStart>();
            while (!parser.TryConsume<SequenceEnd>(out _))
            {
                items.Add(Node(depth + 1));
            }

            return items;
        }

        private JsonObject Mapping(int depth)
        {
            var members = new JsonObject();
            parser.Consume<MappingStart>();
            while (!parser.TryConsume<MappingEnd>(out _))
            {
                if (!parser.TryConsume<YamlScalar>(out var key))
                {
                    throw Refuse(parser.Current!.Start, "A key is not text");
                }

                if (members.ContainsKey(key.Value))
                {
                    throw Refuse(key.Start, $"The key '{key.Value}' is given twice");
                }

                members.Add(key.Value, Node(depth + 1));
            }

            return members;
        }

        private JsonNode? Value(YamlScalar scalar)
        {
            parser.Consume<YamlScalar>();
            var tag = scalar.Tag.IsEmpty || scalar.Tag.IsNonSpecific ? "" : scalar.Tag.Value;
            return tag switch
            {
                "" when scalar.Style == ScalarStyle.Plain && scalar.Tag.IsEmpty => Plain(scalar.Value),
                "" or "tag:yaml.org,2002:str" => JsonValue.Create(scalar.Value),
                "tag:yaml.org,2002:null" or "tag:yaml.org,2002:bool" or "tag:yaml.org,2002:int" or "tag:yaml.org,2002:float" => Plain(scalar.Value),
                _ => throw Refuse(scalar.Start, $"The tag '{tag}' is not known"),
            };
        }

        private void Count(int nodes, Mark at)
        {
            _nodes += nodes;
            if (_nodes > MaxNodes)
            {
                throw Refuse(at, string.Create(CultureInfo.InvariantCulture, $"It has more than {MaxNodes:N0} values, those of aliases counted each time"));
            }
        }
    }

    private static JsonNode? Plain(string text) => text switch
    {
        "" or "~" or "null" or "Null" or "NULL" => null,
        "true" or "True" or "TRUE" => JsonValue.Create(true),
        "false" or "False" or "FALSE" => JsonValue.Create(false),
        _ when Integer().IsMatch(text) => Number(text),
        _ when text.StartsWith("0o", StringComparison.Ordinal) && Octal().IsMatch(text) => JsonValue.Create(Convert.ToInt64(text[2..], 8)),
        _ when text.StartsWith("0x", StringComparison.Ordinal) && Hexadecimal().IsMatch(text) => JsonValue.Create(Convert.ToInt64(text[2..], 16)),
        _ when Float().IsMatch(text) => Number(text),
        _ when Infinite().IsMatch(text) => JsonValue.Create(text[0] == '-' ? "-Infinity" : "Infinity"),
        ".nan" or ".NaN" or ".NAN" => JsonValue.Create("NaN"),
        _ => JsonValue.Create(text),
    };

    /// <summary>A number as JSON writes it: digits as they stand, without what YAML allows beside them.</summary>
    private static JsonNode Number(string text)
    {
        var sign = text[0] == '-' ? "-" : "";
        var digits = text.TrimStart('+', '-');
        var end = digits.AsSpan().IndexOfAny('.', 'e', 'E') is >= 0 and var at ? at : digits.Length;
        var whole = digits[..end].TrimStart('0');
        var rest = digits[end..];
        var exponent = rest.AsSpan().IndexOfAny('e', 'E') is >= 0 and var e ? rest[e..] : "";
        var fraction = rest[..^exponent.Length].TrimStart('.');
        return JsonNode.Parse($"{sign}{(whole.Length == 0 ? "0" : whole)}{(fraction.Length == 0 ? "" : "." + fraction)}{exponent}")!;
    }

    [GeneratedRegex(@"\A[-+]?[0-9]+\z")]
    private static partial Regex Integer();

    [GeneratedRegex(@"\A0o[0-7]{1,21}\z")]
    private static partial Regex Octal();

    [GeneratedRegex(@"\A0x[0-9a-fA-F]{1,15}\z")]
    private static partial Regex Hexadecimal();

    [GeneratedRegex(@"\A[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\z")]
    private static partial Regex Float();

    [GeneratedRegex(@"\A[-+]?\.(inf|Inf|INF)\z")]
    private static partial Regex Infinite();
}
