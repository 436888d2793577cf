using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Apache.Arrow;
using Apache.Arrow.Compression;
using Apache.Arrow.Ipc;
using Gristmill.Flight;
using Gristmill.Objects;

namespace Gristmill.Hosting;

/// <summary>What a stranger may send: refused with a code, and nothing of it stays.</summary>
public sealed class FlightHostileTests(FlightServer server) : IClassFixture<FlightServer>
{
    private const int Mutations = 400;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> Streams => new()
    {
        { "nothing", ErrorCodes.Corrupt },
        { "a schema that is none", ErrorCodes.Corrupt },
        { "a batch before the schema", ErrorCodes.Corrupt },
        { "two schemas", ErrorCodes.Corrupt },
        { "a body cut short", ErrorCodes.Corrupt },
        { "a batch without its body", ErrorCodes.Corrupt },
        { "a body without a header", ErrorCodes.Corrupt },
        { "a body before its header", ErrorCodes.Corrupt },
        { "a schema with a body", ErrorCodes.Corrupt },
        { "two bodies", ErrorCodes.Corrupt },
        { "a field longer than its message", ErrorCodes.Corrupt },
        { "a group", ErrorCodes.Corrupt },
        { "an endless number", ErrorCodes.Corrupt },
        { "a header of 17 MiB", ErrorCodes.TooLarge },
        { "a descriptor of 2 MiB", ErrorCodes.TooLarge },
        { "dictionaries of 9 MiB", ErrorCodes.TooLarge },
        { "a dictionary of no column", ErrorCodes.Corrupt },
        { "a batch without its dictionary", ErrorCodes.Corrupt },
        { "a compressed bomb", ErrorCodes.Invalid },
        { "a command that changes something", ErrorCodes.Method },
    };

    [Theory]
    [MemberData(nameof(Streams))]
    public async Task A_stream_that_is_none_is_refused_and_leaves_nothing(string what, string code)
    {
        var before = server.Store.Scan().Objects.Count;
        using var raw = new RawFlight(server);
        var error = await Assert.ThrowsAsync<GristmillException>(() => raw.SendAsync("DoPut", Make(what)));
        Assert.Equal(code, error.Code);
        await server.QuietAsync(Token);
        Assert.Equal(before, server.Store.Scan().Objects.Count);
    }

    [Fact]
    public async Task Changed_bytes_give_an_error_with_a_code_or_a_valid_table_and_never_more()
    {
        var whole = Messages(Words.Encode("a", "b", null, "a"), new StringArray.Builder().Append("x").AppendNull().Append("yy").Append("").Build());
        using var raw = new RawFlight(server);
        var random = new Random(11);
        for (var i = 0; i < Mutations; i++)
        {
            var changed = whole.Select(static message => (byte[])message.Clone()).ToArray();
            var at = changed[random.Next(changed.Length)];
            for (var k = random.Next(1, 4); k > 0; k--)
            {
                at[random.Next(at.Length)] = (byte)random.Next(256);
            }

            try
            {
                await raw.SendAsync("DoPut", changed);
            }
            catch (GristmillException e)
            {
                Assert.True(e.Code is ErrorCodes.Corrupt or ErrorCodes.Invalid or ErrorCodes.TooLarge or ErrorCodes.TypeMismatch or ErrorCodes.StoreFull, $"{i}: {e.Code} {e.Message}");
            }
        }

        await server.QuietAsync(Token);
    }

    [Theory]
    [InlineData(5, 100)]
    [InlineData(0, 100)]
    [InlineData(40, 4_000_000_000)]
    public async Task A_stream_that_stops_in_the_middle_is_refused_and_leaves_nothing(int bytes, long claimed)
    {
        using var http = new HttpClient();
        var content = new byte[5 + bytes];
        BinaryPrimitives.WriteUInt32BigEndian(content.AsSpan(1), (uint)claimed);
        content.AsSpan(5).Fill(0x10); // a varint field after the other
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(server.Http, "/arrow.flight.protocol.FlightService/DoPut"))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(content) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } },
        };
        using var response = await http.SendAsync(request, Token);
        await response.Content.ReadAsByteArrayAsync(Token);
        var headers = response.TrailingHeaders.Concat(response.Headers).ToDictionary(static header => header.Key, static header => header.Value.First());
        Assert.Equal(ErrorCodes.Corrupt, headers[FlightErrors.CodeTrailer]);
        await server.QuietAsync(Token);
    }

    [Theory]
    [InlineData("")]
    [InlineData("o")]
    [InlineData("o0123456789abcdef0123456789ABCDEF")]
    [InlineData("o../../../../../../../etc/passwd.")]
    [InlineData("c")]
    [InlineData("cselect 1")]
    [InlineData("\n\0")]
    public async Task A_ticket_of_ones_own_making_is_refused(string ticket)
    {
        using var raw = new RawFlight(server);
        var error = await Assert.ThrowsAsync<GristmillException>(() => raw.GetAsync(Encoding.UTF8.GetBytes(ticket)));
        Assert.Equal(ErrorCodes.Invalid, error.Code);
        Assert.Equal(0, server.Store.LiveLeases);
    }

    [Fact]
    public async Task A_ticket_is_not_read_beyond_its_limit()
    {
        using var raw = new RawFlight(server);
        Assert.Equal(ErrorCodes.Invalid, (await Assert.ThrowsAsync<GristmillException>(() => raw.GetAsync(new byte[100_000]))).Code);
    }

    [Fact]
    public async Task A_damaged_object_is_told()
    {
        var put = await server.Client.PutAsync(Numbers.Schema, [Numbers.Batch(20_000)], Token); // large enough for a file of its own
        var bytes = await File.ReadAllBytesAsync(Path.Combine(server.Store.Options.Directory, put.Id + ".arrow"), Token);
        bytes.AsSpan(16, 64).Fill(0xFF);
        var id = Guid.NewGuid().ToString("n");
        await File.WriteAllBytesAsync(Path.Combine(server.Store.Options.Directory, id + ".arrow"), bytes, Token);
        using var raw = new RawFlight(server);
        Assert.Equal(ErrorCodes.Corrupt, (await Assert.ThrowsAsync<GristmillException>(() => raw.GetAsync(FlightTicket.OfObject(id)))).Code);
        await server.QuietAsync(Token);
        File.Delete(Path.Combine(server.Store.Options.Directory, id + ".arrow"));
    }

    private static byte[][] Make(string what)
    {
        var whole = Messages(Words.Encode("a", "b", null, "a"), new StringArray.Builder().Append("x").AppendNull().Append("yy").Append("").Build());
        var (schema, dictionary, batch) = (whole[0], whole[1], whole[2]);
        var (header, body) = RawFlight.Parts(batch);
        var (dictionaryHeader, dictionaryBody) = RawFlight.Parts(dictionary);
        return what switch
        {
            "nothing" => [],
            "a schema that is none" => [RawFlight.Data([1, 2, 3, 4, 5, 6, 7, 8])],
            "a batch before the schema" => [batch],
            "two schemas" => [schema, schema],
            "a body cut short" => [schema, dictionary, RawFlight.Data(header, body[..^8])],
            "a batch without its body" => [schema, dictionary, RawFlight.Data(header)],
            "a body without a header" => [schema, dictionary, RawFlight.Data(null, body)],
            "a body before its header" => [schema, dictionary, [.. RawFlight.Data(null, body), .. RawFlight.Data(header)]],
            "a schema with a body" => [RawFlight.Data(RawFlight.Parts(schema).Header, body)],
            "two bodies" => [schema, dictionary, [.. batch, .. RawFlight.Data(null, body)]],
            "a field longer than its message" => [schema, [0x12, 0xFF, 0xFF, 0x03, 1, 2]],
            "a group" => [schema, [0x0B, 0x0C]],
            "an endless number" => [schema, [0x12, .. Enumerable.Repeat((byte)0xFF, 20)]],
            "a header of 17 MiB" => [schema, RawFlight.Data(new byte[17 << 20])],
            "a descriptor of 2 MiB" => [RawFlight.Data(null, null, new byte[2 << 20])],
            "dictionaries of 9 MiB" => [schema, RawFlight.Data(dictionaryHeader, [.. dictionaryBody, .. new byte[9 << 20]])],
            "a dictionary of no column" => [Messages(new Int64Array.Builder().Append(1).Build())[0], dictionary],
            "a batch without its dictionary" => [schema, batch],
            "a compressed bomb" => Bomb(),
            "a command that changes something" => [RawFlight.Data(RawFlight.Parts(schema).Header, null, FlightDescriptor.OfCommand(FlightWire.WriteCommand("CommandStatementUpdate", static _ => { })).ToArray())],
            _ => throw new ArgumentOutOfRangeException(nameof(what), what, null),
        };
    }

    private static byte[][] Messages(params IArrowArray[] columns)
    {
        var schema = new Schema(columns.Select(static (column, i) => new Field($"c{i}", column.Data.DataType, true)), null);
        using var encoder = new ArrowMessageEncoder(schema);
        ArrowMessage[] messages = [encoder.SchemaMessage, .. encoder.Encode(new RecordBatch(schema, columns, columns[0].Length))];
        return [.. messages.Select(static message => RawFlight.Data(message.Header.ToArray(), message.Body.ToArray()))];
    }

    /// <summary>A few KiB that unfold to 64 MiB of zeros, where 8 are held.</summary>
    private static byte[][] Bomb()
    {
        const int rows = 8 << 20;
        var array = new Int64Array(new ArrowBuffer(new byte[rows * 8]), ArrowBuffer.Empty, rows, 0, 0);
        var schema = new Schema([new Field("x", array.Data.DataType, false)], null);
        using var stream = new MemoryStream();
        using (var writer = new ArrowStreamWriter(stream, schema, true, new IpcOptions { CompressionCodec = CompressionCodecType.Zstd, CompressionCodecFactory = new CompressionCodecFactory() }))
        {
            writer.WriteRecordBatch(new RecordBatch(schema, [array], rows));
        }

        var bytes = stream.ToArray();
        var messages = new List<byte[]>();
        var at = 0;
        byte[] Next()
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at + 4));
            var header = bytes.AsSpan(at + 8, length).ToArray();
            at += 8 + length;
            return header;
        }

        var first = Next();
        var second = Next();
        return [RawFlight.Data(first), RawFlight.Data(second, bytes[at..])];
    }
}
