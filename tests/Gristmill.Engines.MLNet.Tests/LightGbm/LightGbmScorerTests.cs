namespace Gristmill.Engines.MLNet;

[Collection("LightGBM")]
public sealed class LightGbmScorerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gristmill-lightgbm-").FullName;
    private readonly SyntheticRows _rows = new(4_000, 11, SyntheticRows.YesIfOdd);
    private readonly string _path;

    public LightGbmScorerTests()
    {
        _path = Path.Combine(_folder, "model.txt");
        using var trainer = new LightGbmTrainer(new LightGbmOptions { Label = "y", Iterations = 30 }, ModelTask.Binary, 0, SyntheticRows.Features, 1);
        using var train = trainer.Bin(_rows.Chunks());
        trainer.Train(train, null, _path, null, default);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Single_rows_and_batches_agree()
    {
        using var scorer = new LightGbmScorer(_path, SyntheticRows.Width, 1, 2);
        var batch = new float[_rows.Rows];
        scorer.Score(_rows.X, _rows.Rows, batch);
        var single = new float[_rows.Rows];
        for (var i = 0; i < _rows.Rows; i++)
        {
            scorer.Score(_rows.X.AsSpan(i * SyntheticRows.Width, SyntheticRows.Width), 1, single.AsSpan(i, 1));
        }

        Assert.Equal(batch, single);
    }

    [Fact]
    public void Many_threads_get_their_own_answers()
    {
        using var scorer = new LightGbmScorer(_path, SyntheticRows.Width, 1, 1);
        var expected = new float[_rows.Rows];
        scorer.Score(_rows.X, _rows.Rows, expected);
        var wrong = 0;
        Parallel.For(0, 8, new ParallelOptions { MaxDegreeOfParallelism = 8 }, thread =>
        {
            Span<float> score = stackalloc float[1];
            for (var n = 0; n < 3_000; n++)
            {
                var i = ((n * 31) + (thread * 7)) % _rows.Rows;
                scorer.Score(_rows.X.AsSpan(i * SyntheticRows.Width, SyntheticRows.Width), 1, score);
                if (score[0] != expected[i])
                {
                    Interlocked.Increment(ref wrong);
                }
            }
        });
        Assert.Equal(0, wrong);
    }

    [Fact]
    public void One_row_allocates_nothing()
    {
        using var scorer = new LightGbmScorer(_path, SyntheticRows.Width, 1, 1);
        var score = new float[1];
        void Call(int times)
        {
            for (var i = 0; i < times; i++)
            {
                scorer.Score(_rows.X.AsSpan(0, SyntheticRows.Width), 1, score);
            }
        }

        Call(1_000);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Call(1_000);

        // A thread that wanders to another processor may find its slot empty and make a config once.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2_000);
    }

    [Fact]
    public void A_model_that_is_none_or_does_not_fit_is_refused()
    {
        var text = File.ReadAllText(_path);
        var cut = Path.Combine(_folder, "cut.txt");
        File.WriteAllText(cut, text[..200]);
        Assert.Equal(ErrorCodes.ModelFormat, Assert.Throws<GristmillException>(() => new LightGbmScorer(cut, 3, 1, 1)).Code);
        File.WriteAllText(cut, "not a model");
        Assert.Equal(ErrorCodes.ModelFormat, Assert.Throws<GristmillException>(() => new LightGbmScorer(cut, 3, 1, 1)).Code);
        Assert.Equal(ErrorCodes.ModelFormat, Assert.Throws<GristmillException>(() => new LightGbmScorer(_path, 4, 1, 1)).Code);
        Assert.Equal(ErrorCodes.ModelFormat, Assert.Throws<GristmillException>(() => new LightGbmScorer(_path, 3, 2, 1)).Code);
    }

    [Fact]
    public async Task Disposing_while_others_score_is_safe()
    {
        for (var round = 0; round < 5; round++)
        {
            var scorer = new LightGbmScorer(_path, SyntheticRows.Width, 1, 1);
            using var started = new CountdownEvent(2);
            var threads = Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
            {
                var score = new float[1];
                started.Signal();
                while (true)
                {
                    try
                    {
                        scorer.Score(_rows.X.AsSpan(0, SyntheticRows.Width), 1, score);
                    }
                    catch (ObjectDisposedException)
                    {
                        return;
                    }
                }
            })).ToArray();
            started.Wait();
            scorer.Dispose();
            await Task.WhenAll(threads);
        }
    }

    [Fact]
    public void Wrong_lengths_are_refused()
    {
        using var scorer = new LightGbmScorer(_path, SyntheticRows.Width, 1, 1);
        Assert.Throws<ArgumentOutOfRangeException>(() => scorer.Score(new float[5], 2, new float[2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => scorer.Score(new float[6], 2, new float[1]));
        scorer.Score([], 0, []);
    }
}
