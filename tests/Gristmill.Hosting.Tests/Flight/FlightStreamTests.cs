using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Objects;

namespace Gristmill.Hosting;

/// <summary>Streams of the store, followed over Flight while they are written.</summary>
public sealed class FlightStreamTests(FlightServer server) : IClassFixture<FlightServer>
{
    internal static Schema Schema { get; } = new([new Field("word", new DictionaryType(Int32Type.Default, StringType.Default, false), true)], null);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_client_gets_each_part_as_it_is_written_with_a_dictionary_of_its_own()
    {
        using var stream = server.Store.CreateStream(Schema);
        var table = await server.Client.GetStreamAsync(stream.Id, Token);
        Assert.Equal((-1L, -1L, "word"), (table.Rows, table.Bytes, Assert.Single(table.Schema.FieldsList).Name));
        await using var batches = server.Client.ReadAsync(table, Token).GetAsyncEnumerator(Token);
        foreach (string[] words in (string[][])[["a", "b", "a"], ["c"], ["b", "d"]])
        {
            var next = batches.MoveNextAsync();
            Assert.False(next.IsCompleted);
            await stream.WriteAsync(Words(words), Token);
            Assert.True(await next);
            Assert.Equal(words, Read(batches.Current));
        }

        stream.Complete();
        Assert.False(await batches.MoveNextAsync());
        await server.QuietAsync(Token);
        Assert.Empty(server.Store.List());
    }

    [Fact]
    public async Task A_client_that_goes_leaves_the_stream()
    {
        using var stream = server.Store.CreateStream(Schema, new ObjectStreamOptions { MaxUnreadBytes = 1 });
        using var going = CancellationTokenSource.CreateLinkedTokenSource(Token);
        await stream.WriteAsync(Words("a"), Token);
        var batches = server.Client.ReadAsync(await server.Client.GetStreamAsync(stream.Id, Token), going.Token).GetAsyncEnumerator(going.Token);
        Assert.True(await batches.MoveNextAsync());
        await going.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await batches.MoveNextAsync());
        await batches.DisposeAsync();
        var refused = await Assert.ThrowsAsync<GristmillException>(async () =>
        {
            // One may be on its way still.
            await stream.WriteAsync(Words("b"), Token);
            await stream.WriteAsync(Words("c"), Token);
        });
        Assert.Equal(ErrorCodes.Conflict, refused.Code);
        await server.QuietAsync(Token);
    }

    [Fact]
    public async Task A_client_is_told_what_the_writer_failed_with()
    {
        using var stream = server.Store.CreateStream(Schema);
        await stream.WriteAsync(Words("a"), Token);
        stream.Fail(new ErrorInfo(ErrorCodes.BadValue, "row 7 is odd"));
        await using var batches = server.Client.ReadAsync(await server.Client.GetStreamAsync(stream.Id, Token), Token).GetAsyncEnumerator(Token);
        Assert.True(await batches.MoveNextAsync());
        var told = await Assert.ThrowsAsync<GristmillException>(async () => await batches.MoveNextAsync());
        Assert.Equal((ErrorCodes.BadValue, "row 7 is odd"), (told.Code, told.Message));
        await server.QuietAsync(Token);
    }

    [Theory]
    [InlineData("0123456789abcdef0123456789abcdef")]
    [InlineData("../x")]
    public async Task There_is_no_stream_of_another_name(string id) =>
        Assert.Equal(ErrorCodes.ObjectNotFound, (await Assert.ThrowsAsync<GristmillException>(() => server.Client.GetStreamAsync(id, Token))).Code);

    internal static RecordBatch Words(params string[] words)
    {
        string[] known = [.. words.Distinct()];
        return new RecordBatch(Schema, [new DictionaryArray((DictionaryType)Schema.FieldsList[0].DataType,
            new Int32Array.Builder().AppendRange(words.Select(word => System.Array.IndexOf(known, word))).Build(), new StringArray.Builder().AppendRange(known).Build())], words.Length);
    }

    private static IEnumerable<string> Read(RecordBatch batch)
    {
        var array = (DictionaryArray)batch.Column(0);
        return Enumerable.Range(0, array.Length).Select(i => ((StringArray)array.Dictionary).GetString(((Int32Array)array.Indices).GetValue(i)!.Value));
    }
}
