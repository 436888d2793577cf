using System.Text;
using System.Text.Json;
using Apache.Arrow;
using Gristmill.Flight;
using Gristmill.Objects;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace Gristmill.Hosting;

/// <summary>
/// Arrow Flight over the object store of this host, to which tables of other hosts are brought when they are asked for. A path names an object ("objects", ID) what a stage made ("runs", RUN, STAGE, OUTPUT), an endpoint for
/// each part, or a stream of this host that is followed while it grows ("streams", ID); a command is a SQL text over objects, or one of Flight SQL. Tables go from and to the segment without being gathered anywhere.
/// </summary>
internal sealed class FlightService(ObjectStore store, ObjectFetcher fetcher, FlightQueries queries, FlightSql sql, FlightActions actions, IGrainFactory grains, GristmillOptions options, TimeProvider time, ILogger<FlightService> logger)
{
    private const string DefaultOutput = "out";

    public Task ListFlightsAsync(FlightBytes criteria, IServerStreamWriter<FlightInfo> output, ServerCallContext call) => FlightErrors.GuardAsync(call, logger, async () =>
    {
        var owner = Encoding.UTF8.GetString(criteria.Value);
        foreach (var item in store.Scan().Objects.Where(static item => item.IsSealed).OrderByDescending(static item => item.Modified))
        {
            var said = store.Describe(item);
            if (said is { Ref: { } reference, Schema: { } schema } && (owner.Length == 0 || ObjectEndpoints.Belongs(said.Owner, owner)))
            {
                await output.WriteAsync(Info(FlightDescriptor.OfPath("objects", item.Id), schema, [reference]), call.CancellationToken);
            }
        }
    });

    public Task<FlightInfo> GetFlightInfoAsync(FlightDescriptor descriptor, ServerCallContext call) => AnswerAsync(call, async () =>
    {
        if (descriptor.Path is ["streams", var stream])
        {
            // How much it will be, nobody knows.
            return new FlightInfo { Schema = ArrowIpc.Encode(StreamSchema(stream)), Descriptor = descriptor, Endpoints = [new(FlightTicket.OfStream(stream))], Rows = -1, Bytes = -1 };
        }

        if (descriptor.Path.Count > 0)
        {
            var (schema, parts) = await FindAsync(descriptor.Path, call.CancellationToken);
            return Info(descriptor, schema, parts);
        }

        if (FlightWire.ReadCommand(descriptor.Command) is { } command)
        {
            if (FlightSql.Query(command) is not { } query)
            {
                return new FlightInfo { Schema = ArrowIpc.Encode(FlightSql.SchemaOf(command)), Descriptor = descriptor, Endpoints = [new(FlightTicket.OfCommand(descriptor.Command))] };
            }

            return await QueryAsync(descriptor, query, call.CancellationToken);
        }

        return await QueryAsync(descriptor, FlightQueries.Text(descriptor.Command), call.CancellationToken);
    });

    public Task<FlightBytes> GetSchemaAsync(FlightDescriptor descriptor, ServerCallContext call) => AnswerAsync(call, async () =>
    {
        if (descriptor.Path is ["streams", var stream])
        {
            return new FlightBytes(ArrowIpc.Encode(StreamSchema(stream)));
        }

        if (descriptor.Path.Count > 0)
        {
            return new FlightBytes(ArrowIpc.Encode((await FindAsync(descriptor.Path, call.CancellationToken)).Schema));
        }

        var command = FlightWire.ReadCommand(descriptor.Command);
        var query = command is { } known ? FlightSql.Query(known) : FlightQueries.Text(descriptor.Command);
        return new FlightBytes(query is null ? ArrowIpc.Encode(FlightSql.SchemaOf(command!.Value)) : await sql.DescribeAsync(query, call.CancellationToken));
    });

    public Task DoGetAsync(FlightBytes ticket, ServerCallContext call) => FlightErrors.GuardAsync(call, logger, async () =>
    {
        var (id, stream, command) = FlightTicket.Read(ticket.Value);
        await (stream is not null ? FollowAsync(stream, call) : SendAsync(id ?? sql.Write(command!), temporary: id is null, call));
    });

    public Task DoPutAsync(IServerStreamWriter<FlightBytes> output, ServerCallContext call) => FlightErrors.GuardAsync(call, logger, async () =>
    {
        var input = new FlightFrameReader(call.GetHttpContext().Request.BodyReader);
        var reference = await ImportAsync(input, static descriptor =>
        {
            if (descriptor is { Command: { } bytes } && FlightWire.ReadCommand(bytes) is { Name: var name })
            {
                throw FlightSql.ReadOnly(name);
            }
        }, statistics: true, call.CancellationToken);
        // Nobody else refers to it: without a pin it would go within minutes.
        store.Pin(reference.Id);
        await output.WriteAsync(new FlightBytes(JsonSerializer.SerializeToUtf8Bytes(reference, GristmillJson.Options)), call.CancellationToken);
    });

    public Task DoExchangeAsync(ServerCallContext call) => FlightErrors.GuardAsync(call, logger, async () =>
    {
        var input = new FlightFrameReader(call.GetHttpContext().Request.BodyReader);
        string? query = null;
        var sent = await ImportAsync(input, descriptor =>
        {
            var command = descriptor?.Command ?? [];
            query = FlightWire.ReadCommand(command) is { } known ? FlightSql.Query(known) ?? throw FlightSql.ReadOnly(known.Name) : FlightQueries.Text(command);
        }, statistics: false, call.CancellationToken);
        ObjectRef result;
        try
        {
            result = await queries.RunAsync(query!, sent, call.CancellationToken);
        }
        finally
        {
            store.Delete(sent.Id);
        }

        await SendAsync(result.Id, temporary: true, call);
    });

    public Task DoActionAsync(FlightAction action, IServerStreamWriter<FlightBytes> output, ServerCallContext call) => FlightErrors.GuardAsync(call, logger, async () =>
    {
        if (await actions.RunAsync(action, call.CancellationToken) is { } result)
        {
            await output.WriteAsync(new FlightBytes(result), call.CancellationToken);
        }
    });

    public Task ListActionsAsync(IServerStreamWriter<FlightAction> output, ServerCallContext call) => FlightErrors.GuardAsync(call, logger, async () =>
    {
        foreach (var (type, description) in FlightActions.All)
        {
            await output.WriteAsync(new FlightAction(type, Encoding.UTF8.GetBytes(description)), call.CancellationToken);
        }
    });

    private async Task<FlightInfo> QueryAsync(FlightDescriptor descriptor, string query, CancellationToken cancellationToken)
    {
        var result = await queries.RunAsync(query, null, cancellationToken);
        using var lease = store.Get(result);
        return Info(descriptor, lease.Schema, [result], time.GetUtcNow() + FlightQueries.Kept);
    }

    private static FlightInfo Info(FlightDescriptor descriptor, Schema schema, IReadOnlyList<ObjectRef> parts, DateTimeOffset? expires = null) => new()
    {
        Schema = ArrowIpc.Encode(schema),
        Descriptor = descriptor,
        Endpoints = [.. parts.Select(part => new FlightEndpoint(FlightTicket.OfObject(part.Id), expires))],
        Rows = parts.Sum(static part => part.Rows),
        Bytes = parts.Sum(static part => part.Bytes),
    };

    private async Task<(Schema Schema, IReadOnlyList<ObjectRef> Parts)> FindAsync(IReadOnlyList<string> path, CancellationToken cancellationToken)
    {
        switch (path)
        {
            case ["objects", var id]:
                using (var lease = await fetcher.GetAsync(id, cancellationToken))
                {
                    return (lease.Schema, [lease.Ref]);
                }

            case ["runs", var run, var stage]:
                return await OutputsAsync(run, stage, DefaultOutput, cancellationToken);
            case ["runs", var run, var stage, var output]:
                return await OutputsAsync(run, stage, output, cancellationToken);
            default:
                throw new GristmillException(ErrorCodes.Invalid, $"The path {string.Join('/', path.Take(4))} names nothing.", "Use objects/ID, streams/ID, or runs/RUN/STAGE with or without /OUTPUT.");
        }
    }

    /// <summary>What a stage made; of one in a loop the tables of all items, in their order.</summary>
    private async Task<(Schema Schema, IReadOnlyList<ObjectRef> Parts)> OutputsAsync(string run, string stage, string output, CancellationToken cancellationToken)
    {
        var grain = grains.GetGrain<IRunGrain>(run);
        _ = await grain.GetAsync() ?? throw new GristmillException(ErrorCodes.NotFound, $"There is no run '{run}'.", "'mill runs' lists those there are.");
        var parts = new List<ObjectRef>();
        await foreach (var view in grain.ListStagesAsync())
        {
            if ((view.Name == stage || view.Name.StartsWith(stage + "[", StringComparison.Ordinal)) && view.Outputs.GetValueOrDefault(output)?.Dataset is { } part)
            {
                parts.Add(part);
            }
        }

        if (parts.Count == 0)
        {
            throw new GristmillException(ErrorCodes.NotFound, $"Stage '{stage}' of run '{run}' has no table '{output}'.", $"'mill show {run}' lists its stages and what they have made.");
        }

        using var lease = await fetcher.GetAsync(parts[0].Id, cancellationToken);
        return (lease.Schema, parts);
    }

    private async Task<ObjectRef> ImportAsync(FlightFrameReader input, Action<FlightDescriptor?> check, bool statistics, CancellationToken cancellationToken)
    {
        using var owning = ObjectOwner.Use(FlightQueries.Owner);
        using var import = store.BeginImport(long.MaxValue, options.MaxRequestBytes, statistics);
        for (var first = true; await input.NextAsync(cancellationToken); first = false)
        {
            if (first)
            {
                check(input.Descriptor);
            }

            if (input.Header.IsEmpty)
            {
                if (input.BodyLength > 0)
                {
                    throw new GristmillException(ErrorCodes.Corrupt, "Malformed Flight data: a message has a body and no header before it.", "Send it with Arrow's own client.");
                }

                await input.ReadBodyAsync(import, cancellationToken);
                continue; // a descriptor or metadata alone
            }

            import.Begin(input.Header.Span, input.BodyLength);
            await input.ReadBodyAsync(import, cancellationToken);
            import.End();
        }

        return import.Seal();
    }

    private async Task SendAsync(string id, bool temporary, ServerCallContext call)
    {
        try
        {
            using var lease = await fetcher.GetAsync(id, call.CancellationToken);
            var output = new FlightFrameWriter(call.GetHttpContext().Response.BodyWriter);
            using var messages = lease.OpenMessages();
            foreach (var message in messages)
            {
                await output.WriteAsync(message, call.CancellationToken);
            }
        }
        finally
        {
            if (temporary)
            {
                store.Delete(id);
            }
        }
    }

    /// <summary>Sends the parts of a stream as they come. A receiver that is slow, or goes, is a slow reader of the stream, or one that leaves it.</summary>
    private async Task FollowAsync(string id, ServerCallContext call)
    {
        using var stream = store.OpenStream(id);
        var output = new FlightFrameWriter(call.GetHttpContext().Response.BodyWriter);
        await output.WriteAsync(stream.SchemaMessage, call.CancellationToken);
        await foreach (var part in stream.ReadAllAsync(call.CancellationToken))
        {
            using (part)
            using (var messages = part.OpenMessages())
            {
                // A dictionary takes the place of that of the part before, as streams allow.
                foreach (var message in messages.Skip(1))
                {
                    await output.WriteAsync(message, call.CancellationToken);
                }
            }
        }
    }

    private Schema StreamSchema(string id) => store.GetStreamSchema(id) ?? throw ObjectStore.NoStream(id);

    private async Task<T> AnswerAsync<T>(ServerCallContext call, Func<Task<T>> run)
    {
        T answer = default!;
        await FlightErrors.GuardAsync(call, logger, async () => answer = await run());
        return answer;
    }
}
