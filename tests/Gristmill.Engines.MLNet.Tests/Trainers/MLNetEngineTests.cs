using Apache.Arrow;
using Gristmill.Objects;

namespace Gristmill.Engines.MLNet;

[Collection("LightGBM")]
public sealed class MLNetEngineTests : IDisposable
{
    private readonly StageHost _host = new();
    private readonly MLNetEngine _engine = new();

    public void Dispose() => _host.Dispose();

    [Theory]
    [InlineData("mlnet.fasttree", "tall", "weight,grade", 0.93)]
    [InlineData("mlnet.linear", "tall", "weight,grade", 0.7)]
    [InlineData("mlnet.fasttree", "grade", "tall,weight", 0.93)]
    [InlineData("mlnet.linear", "grade", "tall,weight", 0.8)]
    public async Task Classifies(string operation, string label, string exclude, double accuracy)
    {
        var data = _host.Put(TestTables.Trees(2_000, 1));
        var before = CopyCounter.Total;
        var outputs = await _host.Run(_engine, operation, new { label, exclude = exclude.Split(',') }, new() { ["data"] = data });
        Assert.Equal(before, CopyCounter.Total);
        Assert.Equal([data.Id], _host.Objects.List().Select(o => o.Id));

        using var predictor = _host.Models.Load(outputs.Artifacts["out"].Model!);
        var test = TestTables.Trees(500, 77);
        var predictions = predictor.Predict(test.Without(label));
        var right = Enumerable.Range(0, 500).Count(i => Of(predictions.Column("label"), i) == Of(test.Column(label), i));
        Assert.True(right >= accuracy * 500, $"{right} of 500");
    }

    [Theory]
    [InlineData("mlnet.fasttree", 15)]
    [InlineData("mlnet.linear", 20)]
    public async Task Regresses(string operation, double error)
    {
        var outputs = await _host.Run(_engine, operation, new { label = "weight", exclude = (string[])["tall", "grade"] },
            new() { ["data"] = _host.Put(TestTables.Trees(2_000, 1)) });
        using var predictor = _host.Models.Load(outputs.Artifacts["out"].Model!);
        var test = TestTables.Trees(500, 77);
        var score = (FloatArray)predictor.Predict(test).Column("score");
        var truth = (FloatArray)test.Column("weight");
        var rmse = Math.Sqrt(Enumerable.Range(0, 500).Average(i => Math.Pow(score.GetValue(i)!.Value - truth.GetValue(i)!.Value, 2)));
        Assert.True(rmse < error, $"{rmse}");
    }

    [Theory]
    [InlineData(50)]
    [InlineData(334)]
    [InlineData(5_000)]
    public async Task A_line_is_found_in_few_rows_as_in_many(int rows)
    {
        var random = new Random(5);
        var (price, weekday, sold) = (new DoubleArray.Builder(), new Int32Array.Builder(), new DoubleArray.Builder());
        for (var i = 0; i < rows; i++)
        {
            var p = random.Next(100, 200) / 100.0;
            price.Append(p);
            weekday.Append(i % 7);
            sold.Append(200 - (60 * p) + (i % 7) + random.Next(20));
        }

        var table = TestTables.Of(("price", price.Build()), ("weekday", weekday.Build()), ("sold", sold.Build()));
        var outputs = await _host.Run(_engine, "mlnet.linear", new { label = "sold" }, new() { ["data"] = _host.Put(table) });
        using var predictor = _host.Models.Load(outputs.Artifacts["out"].Model!);
        var score = (FloatArray)predictor.Predict(table).Column("score");
        var truth = (DoubleArray)table.Column("sold");

        // The noise is of 5.8, the numbers themselves are of 18 about their mean.
        var rmse = Math.Sqrt(Enumerable.Range(0, rows).Average(i => Math.Pow(score.GetValue(i)!.Value - truth.GetValue(i)!.Value, 2)));
        Assert.True(rmse < 7, $"{rmse}");
    }

    [Fact]
    public async Task Many_threads_get_their_own_answers()
    {
        var outputs = await _host.Run(_engine, "mlnet.fasttree", new { label = "tall", exclude = (string[])["weight", "grade"], iterations = 20 },
            new() { ["data"] = _host.Put(TestTables.Trees(2_000, 1)) });
        using var predictor = (IMatrixPredictor)_host.Models.Load(outputs.Artifacts["out"].Model!);
        var width = predictor.Encoder.Width;
        var features = new float[500 * width];
        predictor.Encoder.Encode(TestTables.Trees(500, 3), features);
        var expected = new float[500];
        predictor.Score(features, 500, expected);
        var wrong = 0;
        Parallel.For(0, 6, new ParallelOptions { MaxDegreeOfParallelism = 6 }, thread =>
        {
            Span<float> score = stackalloc float[1];
            for (var n = 0; n < 2_000; n++)
            {
                var i = ((n * 7) + (thread * 13)) % 500;
                predictor.Score(features.AsSpan(i * width, width), 1, score);
                if (score[0] != expected[i])
                {
                    Interlocked.Increment(ref wrong);
                }
            }
        });
        Assert.Equal(0, wrong);
    }

    [Fact]
    public async Task Cancels()
    {
        using var source = new CancellationTokenSource();
        var data = _host.Put(TestTables.Trees(1_000, 1));
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _host.Run(_engine, "mlnet.linear", new { label = "tall" }, new() { ["data"] = data }, source.Token));
    }

    [Theory]
    [InlineData("mlnet.fasttree", """{"label":"tall","leaves":1}""", "leaves")]
    [InlineData("mlnet.linear", """{"label":"tall","lambdaL1":-1}""", "lambdaL1")]
    [InlineData("mlnet.linear", """{"label":"tall","leaves":3}""", "leaves")]
    public async Task Bad_options_are_named(string operation, string options, string named)
    {
        var error = await Assert.ThrowsAsync<GristmillException>(() => _host.Run(_engine, operation,
            System.Text.Json.JsonDocument.Parse(options).RootElement, new() { ["data"] = _host.Put(TestTables.Trees(50, 1)) }));
        Assert.Equal(ErrorCodes.Invalid, error.Code);
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    private static string? Of(IArrowArray array, int row) => array switch
    {
        BooleanArray a => a.GetValue(row)?.ToString(),
        StringArray a => a.GetString(row),
        _ => null,
    };
}
