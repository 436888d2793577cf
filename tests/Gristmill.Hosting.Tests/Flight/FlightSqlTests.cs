using System.Text;
using Apache.Arrow;
using Gristmill.Flight;
using Gristmill.Objects;

namespace Gristmill.Hosting;

/// <summary>Queries over objects, by plain SQL and as Flight SQL's clients ask.</summary>
public sealed class FlightSqlTests(FlightServer server) : IClassFixture<FlightServer>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_query_reads_objects_by_their_ids()
    {
        var id = await PutAsync();
        var table = await server.Client.QueryAsync($"select count(*) as n, count(x) as known from \"{id}\" where s is not null", Token);
        Assert.Equal(["n", "known"], table.Schema.FieldsList.Select(static field => field.Name));
        Assert.Equal(1, table.Rows);
        Assert.Equal([800L, 686L], await RowAsync(table.Tickets[0]));

        // Qualified as Flight SQL's catalogue names it.
        table = await server.Client.QueryAsync($"select count(*) from memory.main.\"{id.ToUpperInvariant()}\"", Token);
        Assert.Equal([1000L], await RowAsync(table.Tickets[0]));
        var owner = server.Store.Describe(server.Store.Find(Encoding.ASCII.GetString(table.Tickets[0].Span[1..]))!).Owner;
        Assert.StartsWith(FlightQueries.Owner + "/", owner, StringComparison.Ordinal);
        Assert.Equal(0, server.Store.LiveLeases);
    }

    [Theory]
    [InlineData("select nothing from \"0123456789abcdef0123456789abcdef\"", ErrorCodes.Sql)]
    [InlineData("selec 1", ErrorCodes.Sql)]
    [InlineData("copy (select 1) to '/tmp/x'", null)]
    [InlineData("select * from read_csv('/etc/passwd')", ErrorCodes.Sql)]
    [InlineData("  ", ErrorCodes.Invalid)]
    public async Task A_query_that_cannot_be_is_told(string sql, string? code)
    {
        var error = await Assert.ThrowsAsync<GristmillException>(() => server.Client.QueryAsync(sql, Token));
        Assert.Equal(code ?? error.Code, error.Code);
        Assert.NotEqual(ErrorCodes.Internal, error.Code);
    }

    [Fact]
    public async Task A_table_is_exchanged_for_what_a_query_makes_of_it()
    {
        using var raw = new RawFlight(server);
        using var encoder = new ArrowMessageEncoder(Numbers.Schema);
        var before = server.Store.Scan().Objects.Count;
        var descriptor = FlightDescriptor.OfCommand("select sum(x)::bigint as s from input"u8.ToArray()).ToArray();
        var answers = await raw.SendAsync("DoExchange", [
            RawFlight.Data(encoder.SchemaMessage.Header.ToArray(), null, descriptor),
            .. encoder.Encode(Numbers.Batch(1000)).Select(static message => RawFlight.Data(message.Header.ToArray(), message.Body.ToArray()))]);
        Assert.Equal([Enumerable.Range(0, 1000).Where(static i => i % 7 != 3).Sum(static i => (long)i)], Row(answers));
        await server.QuietAsync(Token);
        Assert.Equal(before, server.Store.Scan().Objects.Count);
    }

    [Fact]
    public async Task What_a_stage_made_is_got_by_its_name()
    {
        var csv = Trips.WriteCsv(server.Folder);
        var pipeline = Pipeline.Create("flown", p => p.Sql($"select carrier, count(*) as n from {p.Read.Csv(csv)} group by carrier order by carrier").Named("carriers"));
        await server.Grains.RegisterPipelineAsync(pipeline.Spec);
        var run = await server.Grains.GetGrain<IPipelineGrain>("flown").StartRunAsync(new RunRequest());
        await foreach (var change in server.Grains.GetGrain<IRunGrain>(run).WatchAsync(Token))
        {
            if (change.Run is { Ended: not null })
            {
                break;
            }
        }

        var table = await server.Client.GetOutputAsync(run, "carriers", cancellationToken: Token);
        Assert.Equal(4, table.Rows);
        var missing = await Assert.ThrowsAsync<GristmillException>(() => server.Client.GetOutputAsync(run, "carriers", "none", Token));
        Assert.Equal(ErrorCodes.NotFound, missing.Code);

        // It is the run's: Flight drops only what is its own.
        var id = Encoding.ASCII.GetString(table.Tickets[0].Span[1..]);
        Assert.Equal(ErrorCodes.Conflict, (await Assert.ThrowsAsync<GristmillException>(() => server.Client.DropAsync(id, Token))).Code);
    }

    [Fact]
    public async Task A_statement_of_flight_sql_runs_prepared_or_not()
    {
        var id = await PutAsync();
        using var raw = new RawFlight(server);
        var query = Encoding.UTF8.GetBytes($"select count(*) as n from main.\"{id}\"");
        var info = await raw.InfoAsync(Command("CommandStatementQuery", query));
        Assert.Equal([1000L], Row(await raw.GetAsync(info.Endpoints[0].Ticket)));
        Assert.Equal("n", Assert.Single((await raw.SchemaAsync(Command("CommandStatementQuery", query))).FieldsList).Name);

        var prepared = FlightWire.ReadCommand(Assert.Single(await raw.ActAsync("CreatePreparedStatement", FlightWire.WriteCommand("ActionCreatePreparedStatementRequest", output => FlightWire.Bytes(output, 1, query)))))!.Value;
        Assert.Equal("ActionCreatePreparedStatementResult", prepared.Name);
        info = await raw.InfoAsync(Command("CommandPreparedStatementQuery", FlightInfo.FirstField(prepared.Value, "handle")));
        Assert.Equal([1000L], Row(await raw.GetAsync(info.Endpoints[0].Ticket)));
        Assert.Empty(await raw.ActAsync("ClosePreparedStatement", FlightWire.WriteCommand("ActionClosePreparedStatementRequest", static _ => { })));
        var refused = await Assert.ThrowsAsync<GristmillException>(() => raw.ActAsync("CreatePreparedStatement", FlightWire.WriteCommand("ActionCreatePreparedStatementRequest", static output => FlightWire.Text(output, 1, "selec"))));
        Assert.Equal(ErrorCodes.Sql, refused.Code);
    }

    [Fact]
    public async Task Objects_are_listed_as_tables_with_their_columns()
    {
        var id = await PutAsync();
        using var raw = new RawFlight(server);
        var tables = await RowsAsync(raw, Command("CommandGetTables", output => { FlightWire.Text(output, 3, id[..8] + "%" + id[^8..]); FlightWire.Number(output, 5, 1); }));
        Assert.Equal(["memory", "main", id, "TABLE"], Enumerable.Range(0, 4).Select(i => ((StringArray)tables.Column(i)).GetString(0)));
        Assert.Equal(["x", "s"], ArrowIpc.DecodeSchema(((BinaryArray)tables.Column(4)).GetBytes(0)).FieldsList.Select(static field => field.Name));
        Assert.Equal(1, tables.Length);
        foreach (var (field, pattern) in new[] { (1, "other"), (2, "oth%"), (3, id[..8]), (3, id[..31] + "__"), (4, "VIEW") })
        {
            Assert.Equal(0, (await RowsAsync(raw, Command("CommandGetTables", output => FlightWire.Text(output, field, pattern)))).Length);
        }

        Assert.Equal("memory", ((StringArray)(await RowsAsync(raw, Command("CommandGetCatalogs", static _ => { }))).Column(0)).GetString(0));
        Assert.Equal("main", ((StringArray)(await RowsAsync(raw, Command("CommandGetDbSchemas", static output => FlightWire.Text(output, 2, "ma_n")))).Column(1)).GetString(0));
        Assert.Equal("TABLE", ((StringArray)(await RowsAsync(raw, Command("CommandGetTableTypes", static _ => { }))).Column(0)).GetString(0));
        Assert.Empty((await raw.GetAsync((await raw.InfoAsync(Command("CommandGetPrimaryKeys", static _ => { }))).Endpoints[0].Ticket)).Skip(1));
        var facts = await RowsAsync(raw, Command("CommandGetSqlInfo", static output => { FlightWire.Number(output, 1, 3); FlightWire.Number(output, 1, 504); }));
        Assert.Equal([3u, 504u], ((UInt32Array)facts.Column(0)).Values.ToArray());
        Assert.Equal(ErrorCodes.Method, (await Assert.ThrowsAsync<GristmillException>(() => raw.InfoAsync(Command("CommandStatementSubstraitPlan", static _ => { })))).Code);
    }

    private static FlightDescriptor Command(string name, byte[] first) => Command(name, output => FlightWire.Bytes(output, 1, first));

    private static FlightDescriptor Command(string name, Action<Google.Protobuf.CodedOutputStream> write) => FlightDescriptor.OfCommand(FlightWire.WriteCommand(name, write));

    private static async Task<RecordBatch> RowsAsync(RawFlight raw, FlightDescriptor command)
    {
        var info = await raw.InfoAsync(command);
        var decoder = new ArrowMessageDecoder();
        RecordBatch? rows = null;
        foreach (var data in await raw.GetAsync(info.Endpoints[0].Ticket))
        {
            var (header, body) = RawFlight.Parts(data);
            rows = decoder.Decode(header, body) ?? rows;
        }

        Assert.Equal(ArrowIpc.Encode(decoder.Schema!), info.Schema);
        return rows!;
    }

    private async Task<string> PutAsync() => (await server.Client.PutAsync(Numbers.Schema, [Numbers.Batch(1000)], Token)).Id;

    private async Task<IReadOnlyList<long>> RowAsync(ReadOnlyMemory<byte> ticket)
    {
        using var raw = new RawFlight(server);
        return Row(await raw.GetAsync(ticket.ToArray()));
    }

    /// <summary>The one row of a stream of whole numbers.</summary>
    private static IReadOnlyList<long> Row(List<byte[]> stream)
    {
        var decoder = new ArrowMessageDecoder();
        var batch = stream.Select(RawFlight.Parts).Select(parts => decoder.Decode(parts.Header, parts.Body)).OfType<RecordBatch>().Single();
        return [.. batch.Arrays.Select(static column => ((Int64Array)column).GetValue(0)!.Value)];
    }
}
