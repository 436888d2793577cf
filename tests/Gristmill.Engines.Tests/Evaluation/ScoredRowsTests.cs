using Apache.Arrow;
using static Gristmill.Engines.Tables;

namespace Gristmill.Engines;

public sealed class ScoredRowsTests
{
    private const int Rows = 200_000;

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void Each_distinct_row_is_scored_once_and_every_row_gets_its_score(int threads)
    {
        using var model = new Summing(alone: true, i => i % 1_000);
        var scores = model.ScoreAll(threads);
        Assert.Equal(model.Expected, scores);
        Assert.Equal(1_000, model.Asked);
    }

    [Fact]
    public void Rows_that_do_not_repeat_are_scored_as_they_come()
    {
        using var model = new Summing(alone: true, i => i);
        Assert.Equal(model.Expected, model.ScoreAll(2));
        Assert.Equal(Rows, model.Asked);
    }

    [Fact]
    public async Task A_call_that_fails_leaves_no_other_waiting()
    {
        using var model = new Summing(alone: true, i => i % 1_000) { FailOnce = true };
        var scored = new ScoredRows(model, Rows);
        var features = Enumerable.Range(0, 1_000).SelectMany(i => (float[])[i, i % 7]).ToArray();
        var calls = Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            var scores = new float[1_000];
            scored.Score(features, 1_000, scores);
            return scores;
        })).ToList();
        await Assert.ThrowsAsync<InvalidOperationException>(() => Task.WhenAll(calls));
        Assert.Equal(1, calls.Count(c => c.IsFaulted));
        Assert.All(calls.Where(c => !c.IsFaulted), c => Assert.Equal(model.Expected.Take(1_000), c.Result));
    }

    [Fact]
    public void A_model_whose_rows_depend_on_each_other_is_asked_about_all_of_them()
    {
        using var model = new Summing(alone: false, i => i % 10);
        Assert.Equal(model.Expected, model.ScoreAll(2));
        Assert.Equal(Rows, model.Asked);
    }

    /// <summary>Scores x + 2 y, and counts the rows it is asked about.</summary>
    private sealed class Summing : MatrixPredictorBase
    {
        private readonly bool _alone;
        private readonly RecordBatch _table;
        private int _asked;

        public Summing(bool alone, Func<int, int> value)
            : this(alone, Of(("x", Doubles([.. Enumerable.Range(0, Rows).Select(i => (double?)value(i))])), ("y", Doubles([.. Enumerable.Range(0, Rows).Select(i => (double?)(value(i) % 7))]))))
        {
        }

        private Summing(bool alone, RecordBatch table)
            : base(new ModelManifest { Engine = "test", Task = ModelTask.Regression, Inputs = [], Outputs = [] },
                FeatureEncoder.Fit(new FeaturePlan([Spec(TransformKind.Number, "x"), Spec(TransformKind.Number, "y")]), [table], null))
        {
            _alone = alone;
            _table = table;
        }

        public override bool ScoresRowsAlone => _alone;

        public int Asked => _asked;

        public bool FailOnce { get; set; }

        public IEnumerable<float> Expected
        {
            get
            {
                var (x, y) = ((DoubleArray)_table.Column(0), (DoubleArray)_table.Column(1));
                return Enumerable.Range(0, Rows).Select(i => (float)(x.GetValue(i)! + (2 * y.GetValue(i)!)));
            }
        }

        public float[] ScoreAll(int threads)
        {
            var scores = new float[Rows];
            TableScorer.Score(this, [_table], scores, threads, null, CancellationToken.None);
            return scores;
        }

        public override void Score(ReadOnlySpan<float> features, int rows, Span<float> scores)
        {
            if (Interlocked.Add(ref _asked, rows) == rows && FailOnce)
            {
                throw new InvalidOperationException("once");
            }

            for (var r = 0; r < rows; r++)
            {
                scores[r] = features[2 * r] + (2 * features[(2 * r) + 1]);
            }
        }
    }
}
