using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Objects;

namespace Gristmill.Hosting;

/// <summary>Tables over Flight, by the SDK's client.</summary>
public sealed class FlightTransferTests(FlightServer server) : IClassFixture<FlightServer>
{
    private const int LargeRows = 1 << 20;

    public static TheoryData<string> Names => [.. TestArrays.All().Keys];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Every_type_goes_out_and_comes_in_the_same(string name)
    {
        var array = TestArrays.All()[name];
        var schema = new Schema([new Field("x", array.Data.DataType, true)], null);
        string id;
        using (var writer = server.Store.Create(schema))
        {
            writer.Append(new RecordBatch(schema, [array], array.Length));
            writer.Append(new RecordBatch(schema, [array], array.Length));
            id = writer.Seal().Id;
        }

        var table = await server.Client.GetAsync(id, Token);
        Assert.Equal((2L * array.Length, id), (table.Rows, table.Id));
        var batches = await server.Client.ReadAsync(table, Token).ToListAsync(Token);
        AssertSame([array, array], batches);

        var back = await server.Client.PutAsync(table.Schema, batches, Token);
        using (var lease = server.Store.Get(back))
        {
            lease.Verify();
            AssertSame([array, array], lease.Batches);
            Assert.Equal(2L * array.Length, back.Rows);
        }

        Assert.Equal(back.SchemaFingerprint, server.Store.Describe(server.Store.Find(id)!).Ref!.SchemaFingerprint);
        await server.QuietAsync(Token);
    }

    [Fact]
    public async Task What_a_table_holds_is_shown_once_it_came_in()
    {
        var put = await server.Client.PutAsync(Numbers.Schema, [Numbers.Batch(1000)], Token);

        var columns = ObjectViews.Whole(server.Store, server.Store.Find(put.Id)!).Columns!;

        Assert.Equal(("0", "999", 143L), (columns[0].Statistics!.Min, columns[0].Statistics!.Max, columns[0].Statistics!.Nulls));
        Assert.InRange(columns[0].Statistics!.Quantiles![3], 480, 520);
        Assert.Equal([new ValueCount("v", 800)], columns[1].Statistics!.Top!);
    }

    [Fact]
    public async Task A_dictionary_comes_before_the_batch_that_needs_it_wherever_it_lies()
    {
        // Written in place, a dictionary lies behind the batch that brought it, and what later batches add behind those.
        var schema = new Schema([new Field("d", Words.Type, true)], null);
        using var writer = server.Store.Create(schema);
        string?[][] all = [["a", "b", null], ["b", "c"], ["d", "a", "e"]];
        foreach (var words in all)
        {
            writer.BeginBatch();
            writer.EndBatch(words.Length, [Words.Encode(words)]);
        }

        var table = await server.Client.GetAsync(writer.Seal().Id, Token);
        var batches = await server.Client.ReadAsync(table, Token).ToListAsync(Token);
        Assert.Equal(all, batches.Select(static batch => Words.Decode(batch.Column(0))));
    }

    [Fact]
    public async Task Batches_with_dictionaries_of_their_own_are_put_as_one_table()
    {
        var schema = new Schema([new Field("d", Words.Type, true)], null);
        string?[][] all = [["a", "b"], ["c", "a"], ["c", null, "b"]];
        var put = await server.Client.PutAsync(schema, all.Select(words => new RecordBatch(schema, [Words.Encode(words)], words.Length)), Token);
        using (var lease = server.Store.Get(put))
        {
            Assert.Equal(all, lease.Batches.Select(static batch => Words.Decode(batch.Column(0))));
        }

        // And out again, where they are additions to one dictionary.
        var batches = await server.Client.ReadAsync(await server.Client.GetAsync(put.Id, Token), Token).ToListAsync(Token);
        Assert.Equal(all, batches.Select(static batch => Words.Decode(batch.Column(0))));
    }

    [Fact]
    public async Task Buffers_that_come_are_written_once_each_at_its_aligned_place()
    {
        var before = CopyCounter.Total;
        var put = await server.Client.PutAsync(Numbers.Schema, [Numbers.Batch(1001), Numbers.Batch(77)], Token);
        Assert.Equal(before, CopyCounter.Total);
        using var lease = server.Store.Get(put);
        foreach (var batch in lease.Batches)
        {
            foreach (var buffer in batch.Arrays.SelectMany(static array => array.Data.Buffers).Where(static buffer => buffer.Length > 0))
            {
                Assert.Equal(0, Address(buffer.Span) % 64);
            }
        }
    }

    [Fact]
    public async Task What_was_put_is_kept_and_belongs_to_flight()
    {
        var put = await server.Client.PutAsync(Numbers.Schema, [Numbers.Batch(10)], Token);
        var stored = server.Store.Find(put.Id)!;
        Assert.Equal((true, FlightQueries.Owner), (stored.IsPinned, server.Store.Describe(stored).Owner));
        Assert.Contains(await server.Client.ListAsync("flight", Token).ToListAsync(Token), table => table.Id == put.Id && table.Rows == 10);
        Assert.DoesNotContain(await server.Client.ListAsync("fli", Token).ToListAsync(Token), table => table.Id == put.Id);
        await server.Client.UnpinAsync(put.Id, Token);
        Assert.False(server.Store.Find(put.Id)!.IsPinned);
        await server.Client.DropAsync(put.Id, Token);
        Assert.Null(server.Store.Find(put.Id));
        var error = await Assert.ThrowsAsync<GristmillException>(() => server.Client.GetAsync(put.Id, Token));
        Assert.Equal((ErrorCodes.ObjectNotFound, put.Id), (error.Code, error.Error.Details["object"]));
    }

    [Fact]
    public async Task A_reader_that_leaves_gives_its_lease_back()
    {
        var id = Large();
        var table = await server.Client.GetAsync(id, Token);
        await using (var reading = server.Client.ReadAsync(table, Token).GetAsyncEnumerator(Token))
        {
            Assert.True(await reading.MoveNextAsync());
            // Of the rest more is to come than lies in any buffer on the way: the server still sends.
            Assert.Equal(1, server.Store.LiveLeases);
        }

        await server.QuietAsync(Token);
        Assert.Equal(0, server.Store.LiveLeases);
        Assert.True(server.Store.Delete(id));
    }

    [Fact]
    public async Task A_sender_that_leaves_leaves_nothing()
    {
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var sent = new TaskCompletionSource();
        async IAsyncEnumerable<RecordBatch> Batches()
        {
            yield return Numbers.Batch(100_000);
            while (server.Unsealed().Length == 0)
            {
                await Task.Delay(10, Token);
            }

            sent.SetResult();
            await Task.Delay(Timeout.Infinite, leaving.Token);
        }

        var put = server.Client.PutAsync(Numbers.Schema, Batches(), leaving.Token);
        await sent.Task.WaitAsync(Token);
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => put);
        await server.QuietAsync(Token);
        Assert.Empty(server.Unsealed());
    }

    [Fact]
    public async Task A_table_larger_than_the_store_is_refused_and_leaves_nothing()
    {
        var error = await Assert.ThrowsAsync<GristmillException>(() => server.Client.PutAsync(Numbers.Schema, Enumerable.Repeat(Numbers.Batch(LargeRows), 100), Token));
        Assert.Equal(ErrorCodes.StoreFull, error.Code);
        await server.QuietAsync(Token);
    }

    [Fact]
    public void Authorization_of_rest_is_that_of_flight() =>
        Assert.Equal(["DoAction", "DoExchange", "DoGet", "DoPut", "GetFlightInfo", "GetSchema", "ListActions", "ListFlights"], server.MarkedMethods().Where(static method => !method.StartsWith('{')).Order(StringComparer.Ordinal));

    [Theory]
    [InlineData("objects/0123456789abcdef0123456789abcdef", ErrorCodes.ObjectNotFound)]
    [InlineData("objects/../../etc/passwd", ErrorCodes.Invalid)]
    [InlineData("objects/..%2Fx", ErrorCodes.ObjectNotFound)]
    [InlineData("runs/none/stage", ErrorCodes.NotFound)]
    [InlineData("tables/x", ErrorCodes.Invalid)]
    public async Task A_path_that_names_nothing_is_told(string path, string code)
    {
        using var raw = new RawFlight(server);
        var error = await Assert.ThrowsAsync<GristmillException>(() => raw.InfoAsync(Gristmill.Flight.FlightDescriptor.OfPath(path.Split('/'))));
        Assert.Equal(code, error.Code);
    }

    private static unsafe nint Address(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            return (nint)start;
        }
    }

    private string Large()
    {
        using var writer = server.Store.Create(Numbers.Schema);
        for (var i = 0; i < 6; i++)
        {
            writer.Append(Numbers.Batch(LargeRows));
        }

        return writer.Seal().Id;
    }

    private static void AssertSame(IArrowArray[] expected, IReadOnlyList<RecordBatch> batches)
    {
        Assert.Equal(expected.Length, batches.Count);
        for (var i = 0; i < expected.Length; i++)
        {
            var actual = batches[i].Column(0);
            Assert.Equal(Enumerable.Range(0, expected[i].Length).Select(k => TestArrays.Show(expected[i], k)),
                Enumerable.Range(0, actual.Length).Select(k => TestArrays.Show(actual, k)));
        }
    }
}

/// <summary>Batches of words of one dictionary each.</summary>
internal static class Words
{
    public static DictionaryType Type { get; } = new(Int8Type.Default, StringType.Default, false);

    public static DictionaryArray Encode(params string?[] values)
    {
        string[] distinct = [.. values.OfType<string>().Distinct()];
        var indices = new Int8Array.Builder();
        foreach (var value in values)
        {
            _ = value is null ? indices.AppendNull() : indices.Append((sbyte)System.Array.IndexOf(distinct, value));
        }

        return new DictionaryArray(Type, indices.Build(), new StringArray.Builder().AppendRange(distinct).Build());
    }

    public static string?[] Decode(IArrowArray array) => [.. Enumerable.Range(0, array.Length).Select(i => array.IsNull(i) ? null : TestArrays.Show(array, i)[1..])];
}

/// <summary>Batches of numbers and texts, some of them null.</summary>
internal static class Numbers
{
    public static Schema Schema { get; } = new([new Field("x", Int64Type.Default, true), new Field("s", StringType.Default, true)], null);

    public static RecordBatch Batch(int rows)
    {
        var numbers = new Int64Array.Builder();
        var texts = new StringArray.Builder();
        for (var i = 0; i < rows; i++)
        {
            _ = i % 7 == 3 ? numbers.AppendNull() : numbers.Append(i);
            _ = i % 5 == 2 ? texts.AppendNull() : texts.Append("v");
        }

        return new RecordBatch(Schema, [numbers.Build(), texts.Build()], rows);
    }
}
