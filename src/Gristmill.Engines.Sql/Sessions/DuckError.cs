using System.Text.Json;

namespace Gristmill.Engines.Sql.Sessions;

/// <summary>An error of DuckDB, taken apart. With errors_as_json DuckDB says where in the query it is and what it might have meant.</summary>
/// <param name="Type">Such as "Parser", "Binder", "Catalog", "IO", "Out of Memory", "INTERRUPT".</param>
/// <param name="Message">What is wrong.</param>
/// <param name="Position">Byte offset in the UTF-8 query, or null.</param>
/// <param name="Candidates">Names that were probably meant, or null.</param>
public sealed record DuckError(string Type, string Message, int? Position, string? Candidates)
{
    /// <summary>Parses what DuckDB reports: JSON, perhaps after a prefix, or text such as "Binder Error: ...".</summary>
    public static DuckError Parse(string text)
    {
        var brace = text.IndexOf('{', StringComparison.Ordinal);
        if (brace >= 0 && text.EndsWith('}'))
        {
            try
            {
                using var document = JsonDocument.Parse(text.AsMemory(brace));
                var root = document.RootElement;
                return new DuckError(
                    Get(root, "exception_type") ?? "Unknown",
                    Get(root, "exception_message") ?? text,
                    int.TryParse(Get(root, "position"), out var position) ? position : null,
                    Get(root, "candidates"));
            }
            catch (JsonException)
            {
                // A message that merely looks like JSON.
            }
        }

        var colon = text.IndexOf(" Error: ", StringComparison.Ordinal);
        return colon is > 0 and < 40
            ? new DuckError(text[..colon], text[(colon + " Error: ".Length)..], null, null)
            : new DuckError("Unknown", text, null, null);
    }

    /// <summary>Whether it is of a type, whatever its case.</summary>
    public bool Is(string type) => string.Equals(Type, type, StringComparison.OrdinalIgnoreCase);

    /// <summary>The exception where it does not matter what the statement was, or null.</summary>
    public Exception? Common(CancellationToken cancellationToken)
    {
        if (Is("INTERRUPT") || (cancellationToken.IsCancellationRequested && Message.Contains("nterrupt", StringComparison.Ordinal)))
        {
            return new OperationCanceledException("The query was interrupted.", cancellationToken);
        }

        if (Is("Out of Memory"))
        {
            return new GristmillException(ErrorCodes.WorkerMemory, $"The query needs more memory than it may use: {FirstLine}",
                "Give the stage more memory, or let it aggregate, sort or join fewer rows.");
        }

        if (Message.Contains("No space left on device", StringComparison.Ordinal))
        {
            return new GristmillException(ErrorCodes.StoreFull, $"The disk is full: {FirstLine}", "Free some space where temporary files go.");
        }

        return Is("INTERNAL") || Is("FATAL")
            ? new GristmillException(ErrorCodes.Internal, $"DuckDB failed: {FirstLine}")
            : null;
    }

    /// <summary>The message up to its first line break.</summary>
    public string FirstLine => Message.Split('\n', 2)[0].TrimEnd();

    private static string? Get(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) ? value.ToString() : null;
}
