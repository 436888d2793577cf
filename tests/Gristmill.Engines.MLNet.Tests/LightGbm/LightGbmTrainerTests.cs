namespace Gristmill.Engines.MLNet;

[Collection("LightGBM")]
public sealed class LightGbmTrainerTests : IDisposable
{
    private static readonly LightGbmOptions Options = new() { Label = "y", Iterations = 40, Leaves = 15, LearningRate = 0.2 };

    private readonly string _folder = Directory.CreateTempSubdirectory("gristmill-lightgbm-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Learns_what_depends_on_a_category()
    {
        var train = new SyntheticRows(4_000, 1, SyntheticRows.YesIfOdd);
        var test = new SyntheticRows(1_000, 2, SyntheticRows.YesIfOdd);
        var fit = Train(train, Options, ModelTask.Binary, "model.txt");

        Assert.Equal(40, fit.Iterations);
        Assert.True(fit.Gains[2] > fit.Gains[0]);
        Assert.True(Accuracy("model.txt", test) > 0.97);
        var text = File.ReadAllText(Path.Combine(_folder, "model.txt"));
        Assert.Contains("feature_names=a_number b kind", text, StringComparison.Ordinal);
        Assert.Matches("num_cat=[1-9]", text);
    }

    [Fact]
    public void Several_chunks_give_the_model_of_one()
    {
        var rows = new SyntheticRows(3_000, 3, SyntheticRows.YesIfOdd);
        Train(rows, Options, ModelTask.Binary, "one.txt");
        Train(rows, Options, ModelTask.Binary, "many.txt", parts: 7);
        Assert.Equal(Text("one.txt"), Text("many.txt"));
    }

    [Fact]
    public void Equal_seeds_give_equal_models_and_others_do_not()
    {
        var rows = new SyntheticRows(3_000, 4, SyntheticRows.YesIfOdd);
        var drawn = Options with { BaggingFraction = 0.5, FeatureFraction = 0.7 };
        Train(rows, drawn, ModelTask.Binary, "a.txt");
        Train(rows, drawn, ModelTask.Binary, "b.txt");
        Train(rows, drawn with { Seed = 2 }, ModelTask.Binary, "c.txt");
        Assert.Equal(Text("a.txt"), Text("b.txt"));
        Assert.NotEqual(Trees("a.txt"), Trees("c.txt"));
    }

    [Fact]
    public void Stops_early_and_keeps_the_best_iteration()
    {
        // Labels that nothing explains: more trees only fit noise.
        var noise = new Random(5);
        var rows = new SyntheticRows(2_000, 5, (_, _, _) => noise.Next(2));
        var options = Options with { Iterations = 500, EarlyStopping = 5 };
        using var trainer = new LightGbmTrainer(options, ModelTask.Binary, 0, SyntheticRows.Features, 1);
        using var all = trainer.Bin(rows.Chunks());
        var (train, validation) = trainer.Draw(all, 0.3);
        using (train)
        using (validation)
        {
            Assert.Equal(rows.Rows, train.Rows + validation.Rows);
            Assert.InRange(validation.Rows, 500, 700);
            var losses = new List<double>();
            var fit = trainer.Train(train, validation, Path.Combine(_folder, "model.txt"), (_, values) => losses.Add(values[0]), default);
            Assert.Equal(fit.Iterations + 5, fit.Grown);
            Assert.Equal(losses.Min(), fit.Validation[0]);
            Assert.Equal(losses.IndexOf(losses.Min()) + 1, fit.Iterations);
            Assert.Equal(fit.Iterations, CountOf(Text("model.txt"), "\nTree="));
        }
    }

    [Fact]
    public void Learns_several_classes_and_a_number()
    {
        var classes = new SyntheticRows(3_000, 6, (_, _, kind) => kind % 3);
        Train(classes, Options, ModelTask.Multiclass, "classes.txt", classes: 3);
        using var three = new LightGbmScorer(Path.Combine(_folder, "classes.txt"), SyntheticRows.Width, 3, 1);
        var scores = new float[classes.Rows * 3];
        three.Score(classes.X, classes.Rows, scores);
        for (var i = 0; i < classes.Rows; i++)
        {
            Assert.Equal(1, scores[i * 3] + scores[(i * 3) + 1] + scores[(i * 3) + 2], 1e-3);
            Assert.True(scores[(i * 3) + (int)classes.Y[i]] > 0.9f);
        }

        var numbers = new SyntheticRows(3_000, 7, (a, b, kind) => (10 * a) + kind);
        Train(numbers, Options with { Iterations = 100 }, ModelTask.Regression, "numbers.txt");
        using var one = new LightGbmScorer(Path.Combine(_folder, "numbers.txt"), SyntheticRows.Width, 1, 1);
        var values = new float[numbers.Rows];
        one.Score(numbers.X, numbers.Rows, values);
        Assert.True(values.Zip(numbers.Y, (p, y) => Math.Pow(p - y, 2)).Average() < 0.1);
    }

    [Fact]
    public void Cancels_between_iterations()
    {
        var rows = new SyntheticRows(1_000, 8, SyntheticRows.YesIfOdd);
        using var trainer = new LightGbmTrainer(Options, ModelTask.Binary, 0, SyntheticRows.Features, 1);
        using var train = trainer.Bin(rows.Chunks());
        using var source = new CancellationTokenSource();
        var seen = 0;
        Assert.ThrowsAny<OperationCanceledException>(() => trainer.Train(train, null, Path.Combine(_folder, "model.txt"), (i, _) =>
        {
            seen = i;
            if (i == 3)
            {
                source.Cancel();
            }
        }, source.Token));
        Assert.Equal(3, seen);
        Assert.False(File.Exists(Path.Combine(_folder, "model.txt")));
    }

    [Fact]
    public void Says_in_LightGbms_words_what_it_refuses()
    {
        var rows = new SyntheticRows(100, 9, (_, _, _) => 7);
        using var trainer = new LightGbmTrainer(Options, ModelTask.Multiclass, 3, SyntheticRows.Features, 1);
        using var train = trainer.Bin(rows.Chunks());
        var error = Assert.Throws<GristmillException>(() => trainer.Train(train, null, Path.Combine(_folder, "m.txt"), null, default));
        Assert.Contains("label", error.Message, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void A_label_without_variety_gives_a_constant()
    {
        var rows = new SyntheticRows(500, 10, (_, _, _) => 4.5f);
        var fit = Train(rows, Options, ModelTask.Regression, "constant.txt");
        Assert.True(fit.Iterations <= 1);
        using var scorer = new LightGbmScorer(Path.Combine(_folder, "constant.txt"), SyntheticRows.Width, 1, 1);
        var score = new float[1];
        scorer.Score(rows.X.AsSpan(0, 3), 1, score);
        Assert.Equal(4.5f, score[0], 1e-4f);
    }

    private LightGbmFit Train(SyntheticRows rows, LightGbmOptions options, ModelTask task, string file, int parts = 1, int classes = 0)
    {
        using var trainer = new LightGbmTrainer(options, task, classes, SyntheticRows.Features, 2);
        using var train = trainer.Bin(rows.Chunks(parts));
        return trainer.Train(train, null, Path.Combine(_folder, file), null, default);
    }

    private double Accuracy(string file, SyntheticRows rows)
    {
        using var scorer = new LightGbmScorer(Path.Combine(_folder, file), SyntheticRows.Width, 1, 1);
        var scores = new float[rows.Rows];
        scorer.Score(rows.X, rows.Rows, scores);
        return scores.Zip(rows.Y, (p, y) => p > 0.5f == y > 0.5f ? 1.0 : 0.0).Average();
    }

    private string Text(string file) => File.ReadAllText(Path.Combine(_folder, file));

    private string Trees(string file)
    {
        var text = Text(file);
        return text[text.IndexOf("\nTree=0", StringComparison.Ordinal)..text.IndexOf("end of trees", StringComparison.Ordinal)];
    }

    private static int CountOf(string text, string part) => text.Split(part).Length - 1;
}
