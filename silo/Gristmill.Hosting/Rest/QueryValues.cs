using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace Gristmill.Hosting;

/// <summary>The values behind the question mark of an address: what is unknown, repeated or no number is refused by name.</summary>
internal sealed class QueryValues
{
    private readonly HttpContext _http;
    private readonly IReadOnlyList<QueryParameter> _known;

    /// <param name="http">The request.</param>
    /// <param name="known">What the address takes; <see cref="QueryParameterExtensions.WithQuery"/> describes the same.</param>
    public QueryValues(HttpContext http, IReadOnlyList<QueryParameter> known)
    {
        (_http, _known) = (http, known);
        foreach (var (name, values) in http.Request.Query)
        {
            if (!known.Any(parameter => parameter.Name == name))
            {
                throw new GristmillException(ErrorCodes.Invalid, $"The address takes no '{name}'.", $"It takes {string.Join(", ", known.Select(static parameter => parameter.Name))}.")
                    .With("name", name);
            }

            if (values.Count > 1)
            {
                throw new GristmillException(ErrorCodes.Invalid, $"'{name}' stands in the address {values.Count} times.", "Give it once.").With("name", name);
            }
        }
    }

    /// <summary>A text; null where it is absent or empty.</summary>
    public string? Text(string name) => _http.Request.Query[Known(name).Name].ToString() is { Length: > 0 } text ? text : null;

    /// <summary>A number in its range; null where it is absent.</summary>
    public int? Int32(string name) => (int?)Int64(name);

    /// <inheritdoc cref="Int32"/>
    public long? Int64(string name)
    {
        if (Text(name) is not { } text)
        {
            return null;
        }

        var (least, most) = (Known(name).Least!.Value, Known(name).Most!.Value);
        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw new GristmillException(ErrorCodes.Invalid, $"{name} is '{text}'.", string.Create(CultureInfo.InvariantCulture, $"Use a whole number from {least} to {most}."))
                .With("name", name);
    }

    /// <summary>The address with another value of one name.</summary>
    public string With(string name, string value) => QueryHelpers.AddQueryString(
        _http.Request.PathBase + _http.Request.Path,
        _http.Request.Query.Where(pair => pair.Key != name).Select(static pair => KeyValuePair.Create(pair.Key, (string?)pair.Value)).Append(new(name, value)));

    private QueryParameter Known(string name) => _known.First(parameter => parameter.Name == name);
}
