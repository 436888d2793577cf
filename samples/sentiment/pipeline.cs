#:project ../../client/Gristmill/Gristmill.csproj
#:property PublishAot=false

// Is a sentence happy or not? Three thousand of them, from reviews of films, phones and restaurants, by ML.NET chains of
// one's own: words alone, and words with their letters.
//
//   dotnet run pipeline.cs              runs in this process
//   mill run pipeline.cs                ships the very same file to a server

using Gristmill;
using Gristmill.Engines;
using Gristmill.Engines.MLNet;
using Microsoft.ML;
using Microsoft.ML.Transforms.Text;

var sentiment = Pipeline.Create("sentiment", p =>
{
    var raw = p.Read.Json(Data.Sentences);

    // The last record of each file has no class.
    var sentences = p.Sql($"select text, class = 1 as positive from {raw} where class is not null order by text");
    var (train, test) = p.Split(sentences).AtRandom(test: 0.25, seed: 1);

    Model words = p.Run(TrainWords, train);
    Model letters = p.Run(TrainLetters, train);

    var best = p.Best(Metric.Auc, over: test, among: [words, letters]);
    p.Register("sentiment", best, when: best.Score > 0.8);
}, "Is a sentence happy or not?");

if (!Directory.Exists(Data.Folder))
{
    Console.Error.WriteLine($"The sentences are not at {Data.Folder}: 'npm ci' beside this file installs them.");
}

return await Mill.RunAsync(sentiment, args);

static ModelRef TrainWords(Dataset train, StageContext stage, CancellationToken cancellationToken) =>
    TrainChain(train, stage, new TextFeaturizingEstimator.Options { CharFeatureExtractor = null }, cancellationToken);

static ModelRef TrainLetters(Dataset train, StageContext stage, CancellationToken cancellationToken) =>
    TrainChain(train, stage, new TextFeaturizingEstimator.Options
    {
        CharFeatureExtractor = new WordBagEstimator.Options { NgramLength = 4, UseAllLengths = true },
    }, cancellationToken);

// n-grams of words (and letters), and a logistic regression over them; the text is read in shared memory.
static ModelRef TrainChain(Dataset train, StageContext stage, TextFeaturizingEstimator.Options text, CancellationToken cancellationToken)
{
    var ml = new MLContext(seed: 7);
    using var view = ArrowDataView.Open(train.Lease, cancellationToken: cancellationToken);
    var chain = ml.Transforms.Text.FeaturizeText("Features", text, "text")
        .Append(ml.BinaryClassification.Trainers.LbfgsLogisticRegression(labelColumnName: "positive", l2Regularization: 0.1f))
        .Fit(view);
    return MLNetModels.Save(stage.Content, ml, chain, view.Schema, label: "positive");
}

/// <summary>Where the sentences are: beside this file, or in the folder that GRISTMILL_SENTIMENT_DATA names.</summary>
internal static class Data
{
    public static string Folder { get; } = Environment.GetEnvironmentVariable("GRISTMILL_SENTIMENT_DATA")
        ?? Beside("node_modules/sentiment/test/fixtures");

    public static string Sentences { get; } = Path.Combine(Folder, "*.json");

    private static string Beside(string path, [System.Runtime.CompilerServices.CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, path));
}
