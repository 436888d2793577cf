using System.Globalization;
using System.Text;
using Apache.Arrow;

namespace Gristmill.Data.Tests;

/// <summary>Chains of random steps over random rows give what plain LINQ gives.</summary>
public sealed class PropertyTests
{
    private static readonly CancellationToken s_token = TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public async Task A_flow_gives_what_LINQ_gives(int seed)
    {
        using var fixture = new FlowFixture();
        var random = new Random(seed);
        for (var round = 0; round < 6; round++)
        {
            var rows = Rows(random, random.Next(3) * 40_000 + random.Next(5000));
            using var source = fixture.Store.Get(Write(fixture, rows, random));
            IEnumerable<Row> expected = rows;
            var flow = DataFlow.From(source).With(fixture.Options with { Workers = 1 + random.Next(4), MemoryLimit = (64 + random.Next(200)) << 20 });
            var steps = new StringBuilder();
            for (var step = random.Next(1, 6); step > 0; step--)
            {
                var (k, kind) = (random.Next(1, 7), random.Next(6));
                steps.Append(CultureInfo.InvariantCulture, $" {kind}:{k}");
                (flow, expected) = kind switch
                {
                    0 => (flow.Map((Row r) => r with { Id = r.Id + k, Text = r.Text is null ? null : r.Text + k }), expected.Select(r => r with { Id = r.Id + k, Text = r.Text is null ? null : r.Text + k })),
                    1 => (flow.Where((Row r) => r.Id % k != 0), expected.Where(r => r.Id % k != 0)),
                    2 => (flow.Sql($"select * from input where number is null or number > {k - 4}"), expected.Where(r => r.Number is null || r.Number > k - 4)),
                    3 => (flow.MapBatches(batch => batch.Slice(0, batch.Length)), expected),
                    4 => (flow.Sql("select id, case when flag then number end as number, text, flag from input"), expected.Select(r => r with { Number = r.Flag == true ? r.Number : null })),
                    _ => (flow.As<Row>().Map(r => (r.Id, r.Text)).Map(p => new Row(p.Id, p.Id / 8.0, p.Text, p.Id % 2 == 0)), expected.Select(r => new Row(r.Id, r.Id / 8.0, r.Text, r.Id % 2 == 0))),
                };
            }

            var actual = await flow.As<Row>().ToListAsync(s_token);
            var wanted = expected.ToList();
            Assert.True(wanted.SequenceEqual(actual), string.Create(CultureInfo.InvariantCulture, $"seed {seed}, round {round}, steps{steps}: {wanted.Count} rows expected, {actual.Count} came"));
            Assert.Equal(wanted.Count, await flow.CountAsync(s_token));
        }
    }

    private static List<Row> Rows(Random random, int count)
    {
        string[] names = ["", "a", "größe", "a text that is longer than sixteen bytes", "12345678", "123456789012", "1234567890123456", "日本語日本語"];
        return [.. Enumerable.Range(0, count).Select(i => new Row(random.Next(-1000, 1000),
            random.Next(5) == 0 ? null : random.Next(-40, 40) / 8.0, random.Next(6) == 0 ? null : random.Next(4) == 0 ? $"unique {i}" : names[random.Next(names.Length)], random.Next(3) switch { 0 => null, 1 => true, _ => false }))];
    }

    private static ObjectRef Write(FlowFixture fixture, List<Row> rows, Random random)
    {
        var schema = new Schema([new Field("id", Apache.Arrow.Types.Int64Type.Default, false), new Field("number", Apache.Arrow.Types.DoubleType.Default, true),
            new Field("text", Apache.Arrow.Types.StringType.Default, true), new Field("flag", Apache.Arrow.Types.BooleanType.Default, true)], null);
        using var writer = fixture.Store.Create(schema);
        for (var at = 0; at < rows.Count || at == 0;)
        {
            var part = rows.Skip(at).Take(1 + random.Next(50_000)).ToList();
            var (id, number, text, flag) = (new Int64Array.Builder(), new DoubleArray.Builder(), new StringArray.Builder(), new BooleanArray.Builder());
            foreach (var row in part)
            {
                id.Append(row.Id);
                number.Append(row.Number);
                _ = row.Text is null ? text.AppendNull() : text.Append(row.Text);
                _ = row.Flag is { } set ? flag.Append(set) : flag.AppendNull();
            }

            writer.Append(new RecordBatch(schema, [id.Build(), number.Build(), text.Build(), flag.Build()], part.Count));
            at += Math.Max(1, part.Count);
        }

        return writer.Seal();
    }

    private readonly record struct Row(long Id, double? Number, string? Text, bool? Flag);
}
