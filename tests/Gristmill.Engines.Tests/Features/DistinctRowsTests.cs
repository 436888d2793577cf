namespace Gristmill.Engines.Features;

public sealed class DistinctRowsTests
{
    [Fact]
    public void Rows_are_numbered_as_they_first_come_and_found_again()
    {
        var random = new Random(7);
        var rows = new DistinctRows(3);
        var expected = new Dictionary<(float, float, float), int>();
        for (var i = 0; i < 50_000; i++)
        {
            float[] row = [random.Next(30), random.Next(30), random.Next(30)];
            if (!expected.TryGetValue((row[0], row[1], row[2]), out var number))
            {
                number = expected[(row[0], row[1], row[2])] = expected.Count;
            }

            Assert.Equal(number, rows.FindOrAdd(row));
        }

        Assert.Equal(expected.Count, rows.Count);
        foreach (var ((a, b, c), number) in expected)
        {
            Assert.Equal([a, b, c], rows.Rows.Span.Slice(number * 3, 3).ToArray());
        }
    }

    [Fact]
    public void Rows_are_told_apart_by_their_bits()
    {
        var rows = new DistinctRows(1);
        Assert.Equal(0, rows.FindOrAdd([float.NaN]));
        Assert.Equal(0, rows.FindOrAdd([float.NaN]));
        Assert.Equal(1, rows.FindOrAdd([0f]));
        Assert.Equal(2, rows.FindOrAdd([-0f]));
    }

    [Fact]
    public void What_is_held_is_bounded_and_stays()
    {
        var rows = new DistinctRows(2, maxBytes: 100 * 2 * sizeof(float));
        var numbers = Enumerable.Range(0, 150).Select(i => rows.FindOrAdd([i, -i])).ToList();
        Assert.Equal([.. Enumerable.Range(0, 100), .. Enumerable.Repeat(-1, 50)], numbers);
        Assert.Equal((100, 42, -1), (rows.Count, rows.FindOrAdd([42, -42]), rows.FindOrAdd([100, -100])));
    }

    [Theory]
    [InlineData(120, 125, 1000, true)]
    [InlineData(120, 124, 1000, false)]
    [InlineData(118, 125, 1000, false)]
    public void Few_equal_rows_in_an_eighth_of_all_are_too_few(long distinct, long seen, long total, bool idle) =>
        Assert.Equal(idle, DistinctRows.AreRare(distinct, seen, total));
}
