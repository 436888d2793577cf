using System.Collections.Immutable;
using System.Text.Json;

namespace Gristmill;

/// <summary>Takes secrets out of texts: of what a stage logs, of its errors, of its progress.</summary>
public sealed class SecretRedactor
{
    private const string Mask = "***";
    private const int ShortestLine = 6;

    private readonly string[] _secrets;

    private SecretRedactor(string[] secrets) => _secrets = secrets;

    /// <summary>One that changes nothing.</summary>
    public static SecretRedactor None { get; } = new([]);

    /// <summary>One for some secrets. Lines of a secret of several lines, and its form in JSON, count as the secret.</summary>
    public static SecretRedactor Of(IEnumerable<string> secrets)
    {
        ArgumentNullException.ThrowIfNull(secrets);
        string[] forms =
        [
            .. secrets
                .SelectMany(static secret => secret.Split('\n', StringSplitOptions.TrimEntries).Where(static line => line.Length >= ShortestLine).Append(secret).Append(secret.Trim()))
                .SelectMany(static secret => new[] { secret, JsonSerializer.Serialize(secret)[1..^1], Uri.EscapeDataString(secret) })
                .Where(static secret => secret.Length > 0)
                .Distinct(StringComparer.Ordinal)
                // The longest first: one secret may begin another.
                .OrderByDescending(static secret => secret.Length),
        ];
        return forms.Length == 0 ? None : new SecretRedactor(forms);
    }

    /// <summary>The text without secrets.</summary>
    public string Redact(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        foreach (var secret in _secrets)
        {
            text = text.Replace(secret, Mask, StringComparison.Ordinal);
        }

        return text;
    }

    /// <summary>The error without secrets.</summary>
    public ErrorInfo Redact(ErrorInfo error)
    {
        ArgumentNullException.ThrowIfNull(error);
        return _secrets.Length == 0 ? error : error with
        {
            Message = Redact(error.Message),
            Hint = error.Hint is null ? null : Redact(error.Hint),
            Details = error.Details.ToImmutableDictionary(static d => d.Key, d => Redact(d.Value)),
        };
    }

    /// <summary>The progress without secrets.</summary>
    public StageProgress Redact(StageProgress progress)
    {
        ArgumentNullException.ThrowIfNull(progress);
        return _secrets.Length == 0 || progress.Message is null ? progress : progress with { Message = Redact(progress.Message) };
    }
}
