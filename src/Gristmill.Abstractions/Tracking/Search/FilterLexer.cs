using System.Globalization;

namespace Gristmill;

/// <summary>What a token of a filter is.</summary>
internal enum FilterTokenKind
{
    End,
    /// <summary>A bare word with dots, such as metrics.auc or and.</summary>
    Word,
    /// <summary>A text in quotes.</summary>
    Text,
    Number,
    /// <summary>An operator, a parenthesis or a comma.</summary>
    Sign,
}

/// <summary>One token.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">Its text; of a quoted one what is between the quotes.</param>
/// <param name="At">Where it begins, from 0.</param>
/// <param name="Parts">Of a word: its first part and the rest, which may have been quoted.</param>
internal readonly record struct FilterToken(FilterTokenKind Kind, string Text, int At, (string Head, string? Tail) Parts = default);

/// <summary>Cuts a filter or an order into tokens. Text never reaches a store's language: names and values become arguments.</summary>
internal sealed class FilterLexer(string text, string what)
{
    private int _at;

    public FilterToken Next()
    {
        while (_at < text.Length && char.IsWhiteSpace(text[_at]))
        {
            _at++;
        }

        var start = _at;
        if (start == text.Length)
        {
            return new FilterToken(FilterTokenKind.End, "", start);
        }

        var c = text[start];
        if (c is '\'' or '"')
        {
            return new FilterToken(FilterTokenKind.Text, Quoted(c), start);
        }

        if (char.IsLetter(c) || c is '_' or '`')
        {
            return Word(start);
        }

        if (char.IsAsciiDigit(c) || (c is '-' or '+' or '.' && start + 1 < text.Length && (char.IsAsciiDigit(text[start + 1]) || text[start + 1] is '.' or 'i' or 'I')))
        {
            _at++;
            while (_at < text.Length && (char.IsLetterOrDigit(text[_at]) || text[_at] is '.' || (text[_at] is '+' or '-' && text[_at - 1] is 'e' or 'E')))
            {
                _at++;
            }

            return new FilterToken(FilterTokenKind.Number, text[start.._at], start);
        }

        var two = start + 1 < text.Length ? text.AsSpan(start, 2) : default;
        _at += two is "!=" or "<=" or ">=" or "<>" or "==" ? 2 : 1;
        return c is '=' or '<' or '>' or '(' or ')' or ',' or '!' && text[start.._at] != "!"
            ? new FilterToken(FilterTokenKind.Sign, text[start.._at], start)
            : throw Refuse(start, $"'{c}' means nothing here");
    }

    public GristmillException Refuse(int at, string why) =>
        new GristmillException(ErrorCodes.Invalid,
            string.Create(CultureInfo.InvariantCulture, $"The {what} is not understood at character {at + 1}: {why}."),
            what == "order"
                ? "Write: metrics.auc desc. Fields are metrics.NAME, params.NAME, tags.NAME and " + string.Join(", ", RunField.Attributes) + "."
                : "Write: params.epochs = '8' and metrics.auc > 0.7 and tags.team = 'x'. Fields are metrics.NAME, params.NAME, tags.NAME and " + string.Join(", ", RunField.Attributes) + ".")
            .With("position", (at + 1).ToString(CultureInfo.InvariantCulture));

    private FilterToken Word(int start)
    {
        var head = text[_at] == '`' ? Quoted('`') : Bare(dots: false);
        string? tail = null;
        if (_at < text.Length && text[_at] == '.')
        {
            _at++;
            tail = _at < text.Length && text[_at] is '`' or '"' ? Quoted(text[_at]) : Bare(dots: true);
            if (tail.Length == 0)
            {
                throw Refuse(_at, $"a name is missing after '{head}.'");
            }
        }

        return new FilterToken(FilterTokenKind.Word, text[start.._at], start, (head, tail));
    }

    private string Bare(bool dots)
    {
        var start = _at;
        while (_at < text.Length && (char.IsLetterOrDigit(text[_at]) || text[_at] is '_' or '-' or '/' or '@' or ':' || (dots && text[_at] == '.')))
        {
            _at++;
        }

        return text[start.._at];
    }

    /// <summary>A quote within a quoted text is written twice, as in SQL.</summary>
    private string Quoted(char quote)
    {
        var start = _at++;
        var content = new System.Text.StringBuilder();
        while (_at < text.Length)
        {
            var c = text[_at++];
            if (c != quote)
            {
                content.Append(c);
            }
            else if (_at < text.Length && text[_at] == quote)
            {
                content.Append(c);
                _at++;
            }
            else
            {
                return content.ToString();
            }
        }

        throw Refuse(start, $"the {quote} that begins here is never closed");
    }
}
