using Apache.Arrow;
using Google.Protobuf;
using Gristmill.Flight;
using Gristmill.Objects;
using static Google.Protobuf.WireFormat.WireType;

namespace Gristmill.Hosting;

/// <summary>
/// Flight SQL for reading: the protocol's commands, so that its clients query objects as tables of the catalogue "memory" and the schema "main",
/// which is where the engine has them. A prepared statement is its text: nothing of it is kept here.
/// </summary>
internal sealed class FlightSql(ObjectStore store, FlightQueries queries)
{
    public const string CreatePrepared = "CreatePreparedStatement", ClosePrepared = "ClosePreparedStatement";

    private const int MaxTables = 10_000;

    /// <summary>The query of a command that runs one; null: it asks what there is.</summary>
    public static string? Query((string Name, byte[] Value) command) => command.Name switch
    {
        "CommandStatementQuery" => FlightQueries.Text(FlightInfo.FirstField(command.Value, command.Name)),
        "CommandPreparedStatementQuery" => FlightQueries.Text(FlightInfo.FirstField(command.Value, command.Name)),
        _ => null,
    };

    /// <summary>The columns of the rows that answer a command.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Method"/>: it is not answered here.</exception>
    public static Schema SchemaOf((string Name, byte[] Value) command) => command.Name switch
    {
        "CommandGetCatalogs" => FlightSqlTables.Catalogs,
        "CommandGetDbSchemas" => FlightSqlTables.Schemas,
        "CommandGetTables" => FlightSqlFilter.Read(command.Value).WithSchema ? FlightSqlTables.TablesWithSchema : FlightSqlTables.Tables,
        "CommandGetTableTypes" => FlightSqlTables.TableTypes,
        "CommandGetSqlInfo" => FlightSqlInfo.Schema,
        "CommandGetPrimaryKeys" => FlightSqlTables.PrimaryKeys,
        "CommandGetExportedKeys" or "CommandGetImportedKeys" or "CommandGetCrossReference" => FlightSqlTables.ForeignKeys,
        _ => throw ReadOnly(command.Name),
    };

    /// <summary>Writes the rows that answer a command into an object, which goes once it is sent.</summary>
    public string Write(byte[] bytes)
    {
        var command = FlightWire.ReadCommand(bytes) ?? throw new GristmillException(ErrorCodes.Invalid, "The ticket holds no command of Flight SQL.", "Use the ticket that GetFlightInfo has told.");
        var schema = SchemaOf(command);
        IArrowArray[] columns = command.Name switch
        {
            "CommandGetCatalogs" => [Strings([FlightSqlTables.Catalog])],
            "CommandGetDbSchemas" => SchemaRows(command.Value),
            "CommandGetTables" => TableRows(FlightSqlFilter.Read(command.Value)),
            "CommandGetTableTypes" => [Strings([FlightSqlTables.TableType])],
            "CommandGetSqlInfo" => FlightSqlInfo.Rows(Numbers(command.Value)),
            _ => [],
        };
        using var owning = ObjectOwner.Use(FlightQueries.Owner);
        using var writer = store.Create(schema);
        if (columns.Length > 0)
        {
            writer.Append(new RecordBatch(schema, columns, columns[0].Length));
        }

        return writer.Seal().Id;
    }

    /// <summary>The schema of a query's rows as an IPC message.</summary>
    public async Task<byte[]> DescribeAsync(string query, CancellationToken cancellationToken)
    {
        var result = await queries.RunAsync(FlightQueries.WithoutRows(query), null, cancellationToken);
        try
        {
            using var lease = store.Get(result);
            return ArrowIpc.Encode(lease.Schema);
        }
        finally
        {
            store.Delete(result.Id);
        }
    }

    /// <summary>Prepares a query: checks it, and says what its rows will be.</summary>
    public async Task<byte[]> PrepareAsync(byte[] body, CancellationToken cancellationToken)
    {
        if (FlightWire.ReadCommand(body) is not { Name: "ActionCreatePreparedStatementRequest" } request)
        {
            throw new GristmillException(ErrorCodes.Invalid, "The action's body is no ActionCreatePreparedStatementRequest.", "Send it as Flight SQL specifies it.");
        }

        var text = FlightInfo.FirstField(request.Value, request.Name);
        var schema = await DescribeAsync(FlightQueries.Text(text), cancellationToken);
        return FlightWire.WriteCommand("ActionCreatePreparedStatementResult", output =>
        {
            FlightWire.Bytes(output, 1, text);
            FlightWire.Bytes(output, 2, schema);
            FlightWire.Bytes(output, 3, ArrowIpc.Encode(new Schema([], null)));
        });
    }

    /// <summary>The refusal of a command that this server does not answer.</summary>
    public static GristmillException ReadOnly(string name) => new(ErrorCodes.Method, $"Flight SQL's '{(name.Length > 64 ? name[..64] + "..." : name)}' is not answered here.",
        "Objects are immutable: Flight SQL reads them, and DoPut with a path makes new ones.");

    private static IArrowArray[] SchemaRows(byte[] value)
    {
        var filter = FlightSqlFilter.Read(value);
        string[] found = filter.TakesCatalog(FlightSqlTables.Catalog) && filter.TakesSchema(FlightSqlTables.SchemaName) ? [FlightSqlTables.SchemaName] : [];
        return [Strings(found.Select(static _ => FlightSqlTables.Catalog)), Strings(found)];
    }

    private IArrowArray[] TableRows(FlightSqlFilter filter)
    {
        var none = !filter.TakesCatalog(FlightSqlTables.Catalog) || !filter.TakesSchema(FlightSqlTables.SchemaName) || !filter.TakesType(FlightSqlTables.TableType);
        var objects = none ? [] : store.Scan().Objects.Where(item => item.IsSealed && filter.TakesTable(item.Id)).OrderByDescending(static item => item.Modified).Take(MaxTables)
            .Select(item => (item.Id, store.Describe(item).Schema)).Where(static item => item.Schema is not null).ToList();
        var columns = new List<IArrowArray>
        {
            Strings(objects.Select(static _ => FlightSqlTables.Catalog)),
            Strings(objects.Select(static _ => FlightSqlTables.SchemaName)),
            Strings(objects.Select(static item => item.Id)),
            Strings(objects.Select(static _ => FlightSqlTables.TableType)),
        };
        if (filter.WithSchema)
        {
            var schemas = new BinaryArray.Builder();
            objects.ForEach(item => schemas.Append(ArrowIpc.Encode(item.Schema!).AsSpan()));
            columns.Add(schemas.Build());
        }

        return [.. columns];
    }

    /// <summary>The numbers of a repeated field 1, packed or not.</summary>
    private static List<int> Numbers(byte[] value)
    {
        var numbers = new List<int>();
        FlightWire.Read(value, "command", (field, wire, input) =>
        {
            switch (field, wire)
            {
                case (1, Varint):
                    numbers.Add((int)input.ReadUInt32());
                    return true;
                case (1, LengthDelimited):
                    using (var packed = new CodedInputStream(input.ReadBytes().ToByteArray()))
                    {
                        while (!packed.IsAtEnd)
                        {
                            numbers.Add((int)packed.ReadUInt32());
                        }
                    }

                    return true;
                default:
                    return false;
            }
        });
        return numbers;
    }

    private static StringArray Strings(IEnumerable<string> values) => new StringArray.Builder().AppendRange(values).Build();
}
