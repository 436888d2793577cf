using CsCheck;

namespace Gristmill.Engines;

public sealed class RocAucTests
{
    [Fact]
    public void Hand_computed()
    {
        // Pairs (positive, negative): .35 > .1, .35 < .4, .8 > .1, .8 > .4: 3 of 4.
        Assert.Equal(0.75, RocAuc.Compute([0.1f, 0.4f, 0.35f, 0.8f], [0, 0, 1, 1]));
        Assert.Equal(0.5, RocAuc.Compute([1, 1, 1], [0, 1, 1]));
        Assert.Equal(0.5, RocAuc.Compute([0f, -0f], [0, 1]));
        Assert.Equal(1, RocAuc.Compute([float.NegativeInfinity, -1e-40f, 0, float.PositiveInfinity], [0, 0, 1, 1]));
    }

    [Fact]
    public void One_class_has_no_area()
    {
        Assert.Null(RocAuc.Compute([0.1f, 0.2f], [1, 1]));
        Assert.Null(RocAuc.Compute([], []));
    }

    [Fact]
    public void Bad_values_are_named()
    {
        Assert.Equal("1", Assert.Throws<GristmillException>(() => RocAuc.Compute([0, float.NaN], [0, 1])).Error.Details["row"]);
        Assert.Equal(ErrorCodes.BadValue, Assert.Throws<GristmillException>(() => RocAuc.Compute([0, 1], [0, 2])).Code);
    }

    [Fact]
    public void Equals_the_count_over_all_pairs()
    {
        // Few distinct scores make ties; more rows than 2,048 take the radix sort.
        Gen.Select(Gen.Int[1, 12], Gen.Int[2, 3000], Gen.Int).Sample((levels, rows, seed) =>
        {
            var random = new Random(seed);
            var scores = Enumerable.Range(0, rows).Select(_ => levels == 12 ? (random.NextSingle() * 4) - 2 : random.Next(levels) - (levels / 2f)).ToArray();
            var labels = Enumerable.Range(0, rows).Select(_ => (float)random.Next(2)).ToArray();
            double wins = 0;
            long pairs = 0;
            for (var i = 0; i < rows; i++)
            {
                for (var j = 0; labels[i] == 1 && j < rows; j++)
                {
                    if (labels[j] == 0)
                    {
                        pairs++;
                        wins += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
                    }
                }
            }

            Assert.Equal(pairs == 0 ? null : wins / pairs, RocAuc.Compute(scores, labels));
        }, iter: 60);
    }
}
