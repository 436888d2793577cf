using System.Text.RegularExpressions;
using Gristmill.Flight;
using static Google.Protobuf.WireFormat.WireType;

namespace Gristmill.Hosting;

/// <summary>Which tables a command asks for: exact catalogues and types, SQL patterns (% and _) of schemas and tables.</summary>
internal sealed class FlightSqlFilter
{
    private readonly List<string> _types = [];
    private string? _catalog;
    private Regex? _schema;
    private Regex? _table;

    /// <summary>Whether the tables' columns are wanted, too.</summary>
    public bool WithSchema { get; private set; }

    public static FlightSqlFilter Read(byte[] command)
    {
        var filter = new FlightSqlFilter();
        FlightWire.Read(command, "command", (field, wire, input) =>
        {
            switch (field, wire)
            {
                case (1, LengthDelimited):
                    filter._catalog = input.ReadString();
                    return true;
                case (2, LengthDelimited):
                    filter._schema = Pattern(input.ReadString());
                    return true;
                case (3, LengthDelimited):
                    filter._table = Pattern(input.ReadString());
                    return true;
                case (4, LengthDelimited):
                    filter._types.Add(input.ReadString());
                    return true;
                case (5, Varint):
                    filter.WithSchema = input.ReadBool();
                    return true;
                default:
                    return false;
            }
        });
        return filter;
    }

    public bool TakesCatalog(string catalog) => _catalog is null || _catalog == catalog;

    public bool TakesSchema(string schema) => _schema?.IsMatch(schema) ?? true;

    public bool TakesTable(string table) => _table?.IsMatch(table) ?? true;

    public bool TakesType(string type) => _types.Count == 0 || _types.Contains(type);

    // Never a pattern that takes longer than its text is long.
    private static Regex Pattern(string like) => like.Length <= 1000
        ? new Regex($"^{Regex.Escape(like).Replace("%", ".*", StringComparison.Ordinal).Replace('_', '.')}$", RegexOptions.NonBacktracking | RegexOptions.Singleline | RegexOptions.CultureInvariant)
        : throw new GristmillException(ErrorCodes.Invalid, $"A pattern has {like.Length} characters.", "Use up to 1000.");
}
