using System.Collections.Immutable;
using System.Globalization;

namespace Gristmill;

/// <summary>
/// The language that runs are searched in, a superset of MLflow's: <c>params.epochs = '8' and metrics.auc > 0.7 and tags.team = "x"</c>.
/// </summary>
/// <remarks>
/// A field is <c>metrics.NAME</c>, <c>params.NAME</c>, <c>tags.NAME</c> (also metric, param, parameter(s), tag) or an attribute
/// (<see cref="RunField.Attributes"/>, also <c>attributes.NAME</c>); names with other characters stand in backticks: <c>metrics.`recall at 5`</c>.
/// Comparisons are = != &lt; &lt;= &gt; &gt;= LIKE ILIKE, IN ('a', 'b'), NOT IN, NOT LIKE, IS NULL, IS NOT NULL; they are joined by AND, OR, NOT and parentheses.
/// Texts stand in quotes, which are doubled within; instants are texts such as '2026-11-25' or '2026-11-25T10:00:00Z' (UTC if they do not say).
/// A parameter is compared as a number with a number, otherwise as text.
/// </remarks>
public static class RunFilter
{
    /// <summary>Characters of a filter.</summary>
    public const int MaxLength = 4096;

    private const int MaxTerms = 64;
    private const int MaxDepth = 32;

    /// <summary>Reads a filter.</summary>
    /// <param name="text">The filter; null or blank for none.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>, with the position.</exception>
    public static RunCondition? Parse(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return null;
        }

        return text.Length > MaxLength
            ? throw new GristmillException(ErrorCodes.Invalid, $"The filter has {text.Length} characters; at most {MaxLength} are possible.", "Ask for less at once.")
            : new Parser(new FilterLexer(text, "filter")).Read();
    }

    /// <summary>The field that a word names.</summary>
    internal static RunField Field(FilterToken word, FilterLexer lexer)
    {
        if (word.Kind != FilterTokenKind.Word)
        {
            throw lexer.Refuse(word.At, word.Kind == FilterTokenKind.End ? "a field is missing" : $"'{word.Text}' is no field");
        }

        var (head, tail) = word.Parts;
        RunFieldKind? kind = head.ToLowerInvariant() switch
        {
            "metrics" or "metric" => RunFieldKind.Metric,
            "params" or "param" or "parameters" or "parameter" => RunFieldKind.Parameter,
            "tags" or "tag" => RunFieldKind.Tag,
            "attributes" or "attribute" or "attr" or "run" when tail is not null => RunFieldKind.Attribute,
            _ => null,
        };
        if (kind is RunFieldKind.Attribute || (kind is null && tail is null))
        {
            var name = Attribute(tail ?? head);
            return RunField.Attributes.Contains(name)
                ? new RunField(RunFieldKind.Attribute, name)
                : throw lexer.Refuse(word.At, $"there is no field '{word.Text}'");
        }

        return kind is { } known && tail is not null
            ? new RunField(known, tail)
            : throw lexer.Refuse(word.At, kind is null ? $"there is no field '{word.Text}'" : $"a name is missing after '{head}'");
    }

    // MLflow's names of the same things are understood too.
    private static string Attribute(string name) => name.ToLowerInvariant() switch
    {
        "run_id" => "id",
        "start_time" => "created",
        "end_time" => "ended",
        var other => other,
    };

    private sealed class Parser(FilterLexer lexer)
    {
        private FilterToken _token = lexer.Next();
        private int _terms;
        private int _depth;

        public RunCondition Read()
        {
            var condition = Any();
            return _token.Kind == FilterTokenKind.End ? condition : throw lexer.Refuse(_token.At, $"'and' or 'or' is missing before '{_token.Text}'");
        }

        private RunCondition Any()
        {
            if (++_depth > MaxDepth)
            {
                throw lexer.Refuse(_token.At, $"more than {MaxDepth} levels of parentheses");
            }

            var terms = ImmutableArray.CreateBuilder<RunCondition>();
            do
            {
                terms.Add(All());
            }
            while (Take("or"));
            _depth--;
            return terms.Count == 1 ? terms[0] : new AnyOf(terms.ToImmutable());
        }

        private RunCondition All()
        {
            var terms = ImmutableArray.CreateBuilder<RunCondition>();
            do
            {
                terms.Add(Single());
            }
            while (Take("and"));
            return terms.Count == 1 ? terms[0] : new AllOf(terms.ToImmutable());
        }

        private RunCondition Single()
        {
            if (++_depth > MaxDepth)
            {
                throw lexer.Refuse(_token.At, $"more than {MaxDepth} levels of 'not'");
            }

            RunCondition condition;
            if (Take("not"))
            {
                condition = new NotTrue(Single());
            }
            else if (TakeSign("("))
            {
                condition = Any();
                if (!TakeSign(")"))
                {
                    throw lexer.Refuse(_token.At, "a ) is missing");
                }
            }
            else
            {
                condition = Term();
            }

            _depth--;
            return condition;
        }

        private RunCondition Term()
        {
            if (++_terms > MaxTerms)
            {
                throw lexer.Refuse(_token.At, $"more than {MaxTerms} comparisons");
            }

            var field = Field(_token, lexer);
            Advance();
            if (Take("is"))
            {
                var has = Take("not");
                return Take("null")
                    ? Negate(has, new RunTerm(field, RunComparison.Missing, []))
                    : throw lexer.Refuse(_token.At, "'null' is missing after 'is'");
            }

            var not = Take("not");
            if (Take("in"))
            {
                return Negate(not, new RunTerm(field, RunComparison.In, List(field)));
            }

            RunComparison? like = Take("like") ? RunComparison.Like : Take("ilike") ? RunComparison.LikeIgnoringCase : null;
            if (like is { } pattern)
            {
                if (field.IsNumber || field.IsInstant || field is { Kind: RunFieldKind.Attribute, Name: "status" })
                {
                    throw lexer.Refuse(_token.At, $"{field} is no text that could be like another");
                }

                return _token.Kind == FilterTokenKind.Text
                    ? Negate(not, new RunTerm(field, pattern, [Advance().Text]))
                    : throw lexer.Refuse(_token.At, "a text in quotes is missing");
            }

            if (not || _token.Kind != FilterTokenKind.Sign)
            {
                throw lexer.Refuse(_token.At, $"a comparison is missing after {field}: = != < <= > >= LIKE ILIKE IN IS NULL");
            }

            RunComparison comparison = _token.Text switch
            {
                "=" or "==" => RunComparison.Equal,
                "!=" or "<>" => RunComparison.NotEqual,
                "<" => RunComparison.Less,
                "<=" => RunComparison.LessOrEqual,
                ">" => RunComparison.Greater,
                ">=" => RunComparison.GreaterOrEqual,
                _ => throw lexer.Refuse(_token.At, $"'{_token.Text}' is no comparison"),
            };
            Advance();
            return new RunTerm(field, comparison, [Value(field)]);
        }

        private static RunCondition Negate(bool not, RunTerm term) => not ? new NotTrue(term) : term;

        private ImmutableArray<object> List(RunField field)
        {
            if (!TakeSign("("))
            {
                throw lexer.Refuse(_token.At, "a ( is missing after 'in'");
            }

            var values = ImmutableArray.CreateBuilder<object>();
            do
            {
                if (values.Count == MaxTerms)
                {
                    throw lexer.Refuse(_token.At, $"more than {MaxTerms} values");
                }

                values.Add(Value(field));
            }
            while (TakeSign(","));
            return TakeSign(")") ? values.ToImmutable() : throw lexer.Refuse(_token.At, "a ) is missing");
        }

        private object Value(RunField field)
        {
            var token = _token;
            if (token.Kind is FilterTokenKind.Number or FilterTokenKind.Word && Number(token.Text) is { } number)
            {
                if (field is { Kind: RunFieldKind.Attribute } && !field.IsNumber)
                {
                    throw lexer.Refuse(token.At, $"{field} is compared with a text in quotes");
                }

                Advance();
                return number;
            }

            if (token.Kind != FilterTokenKind.Text)
            {
                throw lexer.Refuse(token.At, token.Kind == FilterTokenKind.End ? "a value is missing" : $"'{token.Text}' is neither a number nor a text in quotes");
            }

            Advance();
            if (field.IsNumber)
            {
                return Number(token.Text) ?? throw lexer.Refuse(token.At, $"{field} is compared with a number");
            }

            if (field.IsInstant)
            {
                return DateTimeOffset.TryParse(token.Text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var instant)
                    ? (double)instant.ToUnixTimeMilliseconds()
                    : throw lexer.Refuse(token.At, $"'{token.Text}' is no instant such as '2026-11-25' or '2026-11-25T10:00:00Z'");
            }

            if (field is { Kind: RunFieldKind.Attribute, Name: "status" })
            {
                return char.IsAsciiLetter(token.Text.FirstOrDefault()) && Enum.TryParse<RunStatus>(token.Text, ignoreCase: true, out var status)
                    ? (double)(int)status
                    : throw lexer.Refuse(token.At, $"'{token.Text}' is no status; there are {string.Join(", ", Enum.GetNames<RunStatus>()).ToLowerInvariant()}");
            }

            return token.Text;
        }

        private static double? Number(string text) => text.TrimStart('+', '-').ToLowerInvariant() switch
        {
            "inf" or "infinity" => text.StartsWith('-') ? double.NegativeInfinity : double.PositiveInfinity,
            _ => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && !double.IsNaN(number) ? number : null,
        };

        private FilterToken Advance()
        {
            var token = _token;
            _token = lexer.Next();
            return token;
        }

        private bool Take(string keyword)
        {
            if (_token.Kind != FilterTokenKind.Word || !_token.Text.Equals(keyword, StringComparison.OrdinalIgnoreCase))
            {
                return false;
            }

            Advance();
            return true;
        }

        private bool TakeSign(string sign)
        {
            if (_token.Kind != FilterTokenKind.Sign || _token.Text != sign)
            {
                return false;
            }

            Advance();
            return true;
        }
    }
}
