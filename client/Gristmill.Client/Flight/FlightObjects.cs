using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Apache.Arrow;
using Gristmill.Flight;
using Gristmill.Objects;
using Grpc.Core;
using Grpc.Net.Client;

namespace Gristmill.Client;

/// <summary>
/// Reads and writes tables of a Gristmill server by Arrow Flight, a record batch at a time. One instance serves many threads. Every call throws
/// <see cref="GristmillException"/>: with the server's own code, or <see cref="ErrorCodes.Unreachable"/>.
/// </summary>
public sealed class FlightObjects : IDisposable
{
    private const string ErrorTrailer = "gristmill-error-bin";
    private readonly GrpcChannel _channel;
    private readonly CallInvoker _calls;

    /// <summary>Connects to a server, at the first call.</summary>
    /// <param name="address">Its address: grpc://127.0.0.1:5081, or grpc+tls:// with TLS; <see cref="GristmillClient.OpenFlightAsync"/> asks the server for it.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: it is no address.</exception>
    public FlightObjects(string address)
    {
        ArgumentNullException.ThrowIfNull(address);
        var uri = Uri.TryCreate(address, UriKind.Absolute, out var parsed) ? parsed : null;
        var scheme = uri?.Scheme switch
        {
            "grpc" or "grpc+tcp" or "http" => "http",
            "grpc+tls" or "https" => "https",
            _ => throw new GristmillException(ErrorCodes.Invalid, $"'{address}' is not the address of a Flight server.", "Write it as grpc://127.0.0.1:5081."),
        };
        // Batches have the size that whoever wrote them chose.
        _channel = GrpcChannel.ForAddress($"{scheme}://{uri.Authority}", new GrpcChannelOptions { MaxReceiveMessageSize = null, MaxSendMessageSize = null, ThrowOperationCanceledOnCancellation = true });
        _calls = _channel.CreateCallInvoker();
    }

    /// <summary>The objects of the server's host, the newest first.</summary>
    /// <param name="owner">Only what this owner made: a run, RUN/STAGE, "flight", or another maker; null: all.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public async IAsyncEnumerable<FlightTable> ListAsync(string? owner = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var call = _calls.AsyncServerStreamingCall(FlightCalls.List, null, new CallOptions(cancellationToken: cancellationToken), new FlightBytes(Encoding.UTF8.GetBytes(owner ?? "")));
        while (await Explained(call.ResponseStream.MoveNext(cancellationToken)))
        {
            yield return Table(call.ResponseStream.Current);
        }
    }

    /// <summary>An object.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.ObjectNotFound"/></exception>
    public Task<FlightTable> GetAsync(string id, CancellationToken cancellationToken = default) => InfoAsync(FlightDescriptor.OfPath("objects", id), cancellationToken);

    /// <summary>What a stage of a run made; of one in a loop, the tables of all items as one.</summary>
    /// <param name="run">The run.</param>
    /// <param name="stage">The stage.</param>
    /// <param name="output">Its output.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.NotFound"/>, <see cref="ErrorCodes.ObjectNotFound"/>: it is kept no more.</exception>
    public Task<FlightTable> GetOutputAsync(string run, string stage, string output = "out", CancellationToken cancellationToken = default) =>
        InfoAsync(FlightDescriptor.OfPath("runs", run, stage, output), cancellationToken);

    /// <summary>
    /// A stream that is being written on the server's host. <see cref="ReadAsync"/> follows it, each batch as it is written, and takes one of its readers' places: the writer waits for
    /// this client if it is slow, and no longer once it has gone.
    /// </summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.ObjectNotFound"/>: there is none, or it has ended.</exception>
    public Task<FlightTable> GetStreamAsync(string id, CancellationToken cancellationToken = default) => InfoAsync(FlightDescriptor.OfPath("streams", id), cancellationToken);

    /// <summary>Runs a query over objects, each a table of its id: <c>select count(*) from "5b0c..."</c>. Its result is there for two minutes at least.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Sql"/></exception>
    public Task<FlightTable> QueryAsync(string sql, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(sql);
        return InfoAsync(FlightDescriptor.OfCommand(Encoding.UTF8.GetBytes(sql)), cancellationToken);
    }

    /// <summary>The record batches of a table, as they come.</summary>
    public async IAsyncEnumerable<RecordBatch> ReadAsync(FlightTable table, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(table);
        foreach (var ticket in table.Tickets)
        {
            await foreach (var batch in ReadPartAsync(ticket, cancellationToken))
            {
                yield return batch;
            }
        }
    }

    /// <summary>The record batches of one part of a table: one of its <see cref="FlightTable.Tickets"/>.</summary>
    public async IAsyncEnumerable<RecordBatch> ReadPartAsync(ReadOnlyMemory<byte> ticket, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var call = _calls.AsyncServerStreamingCall(FlightCalls.Get, null, new CallOptions(cancellationToken: cancellationToken), new FlightBytes(ticket.ToArray()));
        var decoder = new ArrowMessageDecoder();
        while (await Explained(call.ResponseStream.MoveNext(cancellationToken)))
        {
            var message = call.ResponseStream.Current.Message;
            if (!message.Header.IsEmpty && decoder.Decode(message.Header.Span, message.Body) is { } batch)
            {
                yield return batch;
            }
        }
    }

    /// <summary>Puts a table into the server's object store, where it stays until it is dropped, or unpinned and collected.</summary>
    /// <param name="schema">Its columns.</param>
    /// <param name="batches">Its rows; read as fast as the server takes them.</param>
    /// <param name="cancellationToken">Ends the call; nothing remains of it.</param>
    /// <returns>The new object.</returns>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.StoreFull"/>, <see cref="ErrorCodes.TypeMismatch"/></exception>
    public async Task<ObjectRef> PutAsync(Schema schema, IAsyncEnumerable<RecordBatch> batches, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(schema);
        ArgumentNullException.ThrowIfNull(batches);
        using var encoder = new ArrowMessageEncoder(schema);
        using var call = _calls.AsyncDuplexStreamingCall(FlightCalls.Put, null, new CallOptions(cancellationToken: cancellationToken));
        try
        {
            await call.RequestStream.WriteAsync(new FlightFrame(encoder.SchemaMessage, FlightDescriptor.OfPath("objects")), cancellationToken);
            await foreach (var batch in batches.WithCancellation(cancellationToken))
            {
                foreach (var message in encoder.Encode(batch))
                {
                    await call.RequestStream.WriteAsync(new FlightFrame(message), cancellationToken);
                }
            }

            await call.RequestStream.CompleteAsync();
        }
        catch (Exception e) when (e is RpcException or InvalidOperationException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // The server has ended the call before all was sent. Why, it says in its answer, below.
        }

        return await Explained(call.ResponseStream.MoveNext(cancellationToken))
            ? JsonSerializer.Deserialize<ObjectRef>(call.ResponseStream.Current.Value, GristmillJson.Tolerant)!
            : throw new GristmillException(ErrorCodes.Internal, "The server took the table and told no id.", "Is this a Gristmill server, and of this version?");
    }

    /// <inheritdoc cref="PutAsync(Schema, IAsyncEnumerable{RecordBatch}, CancellationToken)"/>
    public Task<ObjectRef> PutAsync(Schema schema, IEnumerable<RecordBatch> batches, CancellationToken cancellationToken = default) =>
        PutAsync(schema, batches.ToAsyncEnumerable(), cancellationToken);

    /// <summary>Removes an object that was put.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.ObjectNotFound"/>; <see cref="ErrorCodes.Conflict"/>: it belongs to a run.</exception>
    public Task DropAsync(string id, CancellationToken cancellationToken = default) => ActAsync("drop", id, cancellationToken);

    /// <summary>Keeps an object until it is unpinned.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.ObjectNotFound"/></exception>
    public Task PinAsync(string id, CancellationToken cancellationToken = default) => ActAsync("pin", id, cancellationToken);

    /// <summary>Takes an object's pin back: from then on it goes when nobody needs it.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.ObjectNotFound"/></exception>
    public Task UnpinAsync(string id, CancellationToken cancellationToken = default) => ActAsync("unpin", id, cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => _channel.Dispose();

    private async Task<FlightTable> InfoAsync(FlightDescriptor descriptor, CancellationToken cancellationToken)
    {
        using var call = _calls.AsyncUnaryCall(FlightCalls.Info, null, new CallOptions(cancellationToken: cancellationToken), descriptor);
        return Table(await Explained(call.ResponseAsync));
    }

    private async Task ActAsync(string action, string id, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        using var call = _calls.AsyncServerStreamingCall(FlightCalls.Act, null, new CallOptions(cancellationToken: cancellationToken), new FlightAction(action, Encoding.UTF8.GetBytes(id)));
        while (await Explained(call.ResponseStream.MoveNext(cancellationToken)))
        {
            // What it answers, REST shows too.
        }
    }

    private static FlightTable Table(FlightInfo info) => new()
    {
        Schema = ArrowIpc.DecodeSchema(info.Schema),
        Rows = info.Rows,
        Bytes = info.Bytes,
        Id = info.Descriptor.Path is ["objects", var id] ? id : null,
        Tickets = [.. info.Endpoints.Select(static endpoint => (ReadOnlyMemory<byte>)endpoint.Ticket)],
    };

    private async Task<T> Explained<T>(Task<T> call)
    {
        try
        {
            return await call;
        }
        catch (RpcException e)
        {
            throw Explain(e);
        }
    }

    private GristmillException Explain(RpcException e)
    {
        if (e.Trailers.GetValueBytes(ErrorTrailer) is { } json && JsonSerializer.Deserialize<ErrorInfo>(json, GristmillJson.Tolerant) is { } error)
        {
            return new GristmillException(error);
        }

        return e.StatusCode is StatusCode.Unavailable
            ? new GristmillException(ErrorCodes.Unreachable, $"The Flight server {_channel.Target} cannot be reached: {e.Status.Detail}", "See what 'flight' says at /api/v1/info of the server.", e)
            : new GristmillException(ErrorCodes.Internal, $"{_channel.Target} answered {e.StatusCode}: {e.Status.Detail}", "Is this a Gristmill server?", e);
    }
}
