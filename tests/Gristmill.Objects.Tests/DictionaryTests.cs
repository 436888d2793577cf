using Apache.Arrow;
using Apache.Arrow.Ipc;
using Apache.Arrow.Types;

namespace Gristmill.Objects;

public sealed class DictionaryTests
{
    private static readonly DictionaryType Type = new(Int8Type.Default, StringType.Default, false);
    private static readonly Schema Schema = new([new Field("d", Type, true)], null);

    [Fact]
    public void Batches_with_other_dictionaries_are_joined_to_the_first()
    {
        using var test = new TestStore();
        using var writer = test.Store.Create(Schema);
        string?[][] batches = [["a", "b", null, "a"], ["b", "c", "b"], ["a", "b", "a"], ["d", null, "c", "e"]];
        foreach (var values in batches)
        {
            writer.Append(new RecordBatch(Schema, [Encode(values)], values.Length));
        }

        writer.BeginBatch();
        writer.EndBatch(2, [Encode("x", "a")]);
        var reference = writer.Seal();
        using var lease = test.Store.Get(reference);
        lease.Verify();
        Assert.Equal([.. batches, ["x", "a"]], lease.Batches.Select(batch => Decode(batch.Column(0))));

        // Other readers see the same.
        using var file = new ArrowFileReader(File.OpenRead(Path.Combine(test.Directory, reference.Id + ".arrow")));
        for (int i = 0; i < batches.Length; i++)
        {
            Assert.Equal(batches[i], Decode(file.ReadNextRecordBatch().Column(0)));
        }
    }

    [Fact]
    public void A_shared_dictionary_is_written_once_and_viewed_in_place()
    {
        using var test = new TestStore();
        using var writer = test.Store.Create(Schema);
        for (int i = 0; i < 3; i++)
        {
            writer.Append(new RecordBatch(Schema, [Encode("a", "b")], 2)); // equal, not the same
        }

        using var lease = test.Store.Get(writer.Seal());
        var dictionaries = lease.Batches.Select(batch => ((DictionaryArray)batch.Column(0)).Dictionary.Data).Distinct().ToArray();
        Assert.Single(dictionaries);
        Assert.True(lease.Owns(dictionaries[0].Buffers[2].Span));
    }

    [Fact]
    public void A_dictionary_too_large_for_its_indices_is_refused()
    {
        using var test = new TestStore();
        using var writer = test.Store.Create(Schema);
        writer.Append(new RecordBatch(Schema, [Encode([.. Enumerable.Range(0, 100).Select(i => $"a{i}")])], 100));
        var error = Assert.Throws<GristmillException>(() =>
            writer.Append(new RecordBatch(Schema, [Encode([.. Enumerable.Range(0, 100).Select(i => $"b{i}")])], 100)));
        Assert.Equal(ErrorCodes.Invalid, error.Code);
        Assert.Contains("'d'", error.Message, StringComparison.Ordinal);
        Assert.Contains("128", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stream_that_replaces_a_dictionary_is_joined()
    {
        using var test = new TestStore();
        byte[] first = Stream(["a", "b"]), second = Stream(["c", "a"]);

        // What follows the schema message of the second stream, put behind the first without its end mark.
        int schema = 8 + BitConverter.ToInt32(second, 4);
        byte[] both = [.. first.AsSpan(..^8), .. second.AsSpan(schema..)];
        using var lease = test.Store.Get(await test.Store.ImportAsync(new MemoryStream(both), 1 << 20, TestContext.Current.CancellationToken));
        Assert.Equal([["a", "b"], ["c", "a"]], lease.Batches.Select(batch => Decode(batch.Column(0))));
    }

    [Fact]
    public void Dictionaries_of_other_types_are_joined_as_a_whole_and_those_of_refused_batches_do_no_harm()
    {
        using var test = new TestStore();
        var type = new DictionaryType(Int8Type.Default, BooleanType.Default, false);
        var schema = new Schema([new Field("b", type, true), new Field("d", Type, true)], null);
        using var writer = test.Store.Create(schema);
        var few = Encode("a");
        Append([true, false, null], few);
        Append([false], few);
        var many = Encode([.. Enumerable.Range(0, 120).Select(i => $"{i}")]);
        Append([null, true], many);

        // Its second column is refused when the first has been joined; then the first one's is too large itself.
        Assert.Equal(ErrorCodes.Invalid, Assert.Throws<GristmillException>(() => Append([true, true, false, null], Encode([.. Enumerable.Range(200, 20).Select(i => $"{i}")]))).Code);
        Assert.Equal(ErrorCodes.Invalid, Assert.Throws<GristmillException>(() => Append([.. Enumerable.Repeat<bool?>(true, 125)], few)).Code);
        Append([false, false, true], few);
        Append([true, false, null], few); // as the first one's
        using var lease = test.Store.Get(writer.Seal());
        bool?[][] expected = [[true, false, null], [false], [null, true], [], [], [false, false, true], [true, false, null]];
        Assert.Equal(expected.Select(values => values.Select(value => $"{value}")), lease.Batches.Select(batch => Decode(batch.Column(0)).Select(value => value == "null" ? "" : $"{value}")));

        void Append(bool?[] values, DictionaryArray words)
        {
            var indices = new Int8Array.Builder().AppendRange(Enumerable.Range(0, values.Length).Select(i => (sbyte)i)).Build();
            var bools = new BooleanArray.Builder();
            foreach (bool? value in values)
            {
                _ = value is null ? bools.AppendNull() : bools.Append(value.Value);
            }

            writer.BeginBatch();
            try
            {
                writer.EndBatch(values.Length, [new DictionaryArray(type, indices, bools.Build()), ArrowArrayFactory.BuildArray(Padded(words, values.Length))]);
            }
            catch (GristmillException)
            {
                // The batch is open still: it can be ended with nothing.
                writer.EndBatch(0, [new DictionaryArray(type, new Int8Array.Builder().Build(), new BooleanArray.Builder().Append(true).Append(false).AppendNull().Build()), ArrowArrayFactory.BuildArray(Padded(few, 0))]);
                throw;
            }
        }

        // The same dictionary, with as many indices of its first value.
        static ArrayData Padded(DictionaryArray words, int length) =>
            new(Type, length, 0, 0, [ArrowBuffer.Empty, new ArrowBuffer(new byte[length])], [], words.Dictionary.Data);
    }

    private static byte[] Stream(string?[] values)
    {
        using var stream = new MemoryStream();
        using var writer = new ArrowStreamWriter(stream, Schema, leaveOpen: true);
        writer.WriteRecordBatch(new RecordBatch(Schema, [Encode(values)], values.Length));
        writer.WriteEnd();
        return stream.ToArray();
    }

    private static DictionaryArray Encode(params string?[] values)
    {
        string[] distinct = [.. values.OfType<string>().Distinct()];
        var indices = new Int8Array.Builder();
        foreach (string? value in values)
        {
            _ = value is null ? indices.AppendNull() : indices.Append((sbyte)System.Array.IndexOf(distinct, value));
        }

        return new DictionaryArray(Type, indices.Build(), new StringArray.Builder().AppendRange(distinct).Build());
    }

    private static string?[] Decode(IArrowArray array) => [.. Enumerable.Range(0, array.Length)
        .Select(i => array.IsNull(i) ? null : TestArrays.Show(array, i)[1..])];
}
