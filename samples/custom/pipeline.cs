#:project ../../client/Gristmill/Gristmill.csproj
#:property PublishAot=false

// Your own code as stages: a TorchSharp module and an ML.NET chain of yours, trained by static methods of this file, and
// an ONNX file from anywhere; measured, registered and deployed like the built-in models.
//
//   dotnet run pipeline.cs              runs in this process: set a breakpoint in TrainMlp and it is hit
//   mill run pipeline.cs                ships this file, with its module and methods, to a server

using System.Globalization;
using Gristmill;
using Gristmill.Engines;
using Gristmill.Engines.MLNet;
using Gristmill.Engines.Torch;
using Microsoft.ML;
using static TorchSharp.torch;

var parcels = Pipeline.Create("parcels", p =>
{
    var epochs = p.Parameter("epochs", 8);

    var raw = p.Read.Csv(Parcels.WriteCsv());
    var rows = p.Sql($"select shipped, carrier, cast(distance as float) as distance, cast(weight as float) as weight, late = 1 as late from {raw}");
    var (train, test) = p.Split(rows).ByTime("shipped", new DateOnly(2025, 5, 1));

    Model mlp = p.Run(TrainMlp, train, epochs);
    Model chain = p.Run(TrainChain, train);
    var file = p.ImportOnnx(Parcels.WriteOnnx(), columns: ["distance", "weight"], task: ModelTask.Binary, label: "late");

    // All are kept; the best one is also registered under a name of its own.
    p.Register("parcel-mlp", mlp).Named("register-mlp");
    p.Register("parcel-chain", chain).Named("register-chain");
    p.Register("parcel-file", file).Named("register-file");
    var best = p.Best(Metric.Auc, over: test, among: [mlp, chain, file]);
    p.Register("parcel-late", best, when: best.Score > 0.7).Named("register-best");
}, "Which parcels will be late? With models written here.");

return await Mill.RunAsync(parcels, args);

// A torch module trained by a loop of one's own. What the method needs is among its parameters: it may run in a worker of
// another machine. Tables arrive as views of shared memory; StageContext and CancellationToken are handed in.
static ModelRef TrainMlp(Dataset train, int epochs, StageContext stage, CancellationToken cancellationToken)
{
    TorchRuntime.SetThreads(stage.Threads);   // torch would take all cores; sums of floats depend on how many add them up
    manual_seed(7);

    // Fitted here, kept with the model, applied by the same code when it serves.
    var plan = new FeaturePlan([
        new(TransformKind.Standardise, ["distance"]),
        new(TransformKind.Standardise, ["weight"]),
        new(TransformKind.OneHot, ["carrier"])]);
    var encoder = FeatureEncoder.Fit(plan, train.Batches, label: "late");
    var encoded = encoder.EncodeTo(stage.Objects, train.Batches, label: "late");
    try
    {
        using var lease = stage.Objects.Get(encoded);
        const int hidden = 32;
        using var loader = TorchDataLoader.Open(lease, [FeatureEncoder.FeaturesColumn, FeatureEncoder.LabelColumn], new() { BatchSize = 256, Shuffle = true, Seed = 7 });
        using var module = new ParcelNet(encoder.Width, hidden);
        using var adam = optim.Adam(module.parameters(), lr: 0.005);
        for (var epoch = 1; epoch <= epochs; epoch++)
        {
            var total = 0.0;
            foreach (var (x, y) in loader.Read(cancellationToken))   // rows of shared memory, gathered into a buffer that is used again
            {
                using var step = NewDisposeScope();
                var loss = nn.functional.binary_cross_entropy_with_logits(module.call(x).squeeze(1), y);
                adam.zero_grad();
                loss.backward();
                adam.step();
                total += loss.item<float>() * x.shape[0];
            }

            stage.Report((double)epoch / epochs, $"epoch {epoch} of {epochs}", ("loss", total / loader.Rows));
        }

        module.eval();
        return TorchModels.SaveModule(stage.Content, module, encoder, ModelTask.Binary, stage.Request.Code, arguments: [encoder.Width, hidden]);
    }
    finally
    {
        stage.Objects.Delete(encoded.Id);
    }
}

// An ML.NET estimator chain as one writes it anywhere; IDataView reads shared memory, too.
static ModelRef TrainChain(Dataset train, StageContext stage, CancellationToken cancellationToken)
{
    var ml = new MLContext(seed: 7);
    using var view = ArrowDataView.Open(train.Lease, cancellationToken: cancellationToken);
    var chain = ml.Transforms.Categorical.OneHotEncoding("carrierCode", "carrier")
        .Append(ml.Transforms.Concatenate("Features", "distance", "weight", "carrierCode"))
        .Append(ml.Transforms.NormalizeMeanVariance("Features"))
        .Append(ml.BinaryClassification.Trainers.FastTree(labelColumnName: "late", numberOfTrees: 30, minimumExampleCountPerLeaf: 20))
        .Fit(view);
    return MLNetModels.Save(stage.Content, ml, chain, view.Schema, label: "late");
}

/// <summary>Two layers; public, because a server constructs it anew from this file's assembly.</summary>
public sealed class ParcelNet : nn.Module<Tensor, Tensor>
{
    private readonly TorchSharp.Modules.Linear _first;
    private readonly TorchSharp.Modules.Linear _second;

    /// <param name="inputs">Features a row.</param>
    /// <param name="hidden">Units of the hidden layer.</param>
    public ParcelNet(int inputs, int hidden) : base(nameof(ParcelNet))
    {
        _first = nn.Linear(inputs, hidden);
        _second = nn.Linear(hidden, 1);
        RegisterComponents();
    }

    /// <summary>[rows, inputs] to logits [rows, 1].</summary>
    public override Tensor forward(Tensor input) => _second.call(nn.functional.relu(_first.call(input)));
}

/// <summary>Made-up parcels whose lateness can be learnt: long ways, heavy parcels and carrier Snail are late more often.</summary>
internal static class Parcels
{
    private const int Rows = 12_000;

    // What a framework's exporter writes: sigmoid(x W + b) over x = [distance, weight].
    private const string Onnx = "CAg6igEKEQoBeAoBdxIBcCIGTWF0TXVsCg4KAXAKAWISAXEiA0FkZAoPCgFxEgF5IgdTaWdtb2lkEgRydWxlKhMIAggBEAFCAX"
        + "dKCArXIzvNzEw9Kg0IARABQgFiSgQAACDAWhQKAXgSDwoNCAESCQoDEgFOCgIIAmIUCgF5Eg8KDQgBEgkKAxIBTgoCCAFCAhAR";

    private static string Folder => Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"gristmill-parcels-{Environment.UserName}")).FullName;

    /// <summary>Writes the ONNX file and returns it.</summary>
    public static string WriteOnnx()
    {
        var path = Path.Combine(Folder, "parcels.onnx");
        var draft = Path.Combine(Folder, Path.GetRandomFileName());
        File.WriteAllBytes(draft, Convert.FromBase64String(Onnx));
        File.Move(draft, path, overwrite: true);
        return path;
    }

    /// <summary>Writes the same rows each time and returns the file.</summary>
    public static string WriteCsv()
    {
        string[] carriers = ["Arrow", "Brisk", "Comet", "Snail"];
        var random = new Random(11);
        var draft = Path.Combine(Folder, Path.GetRandomFileName());
        using (var file = new StreamWriter(draft))
        {
            file.WriteLine("shipped,carrier,distance,weight,late");
            for (var i = 0; i < Rows; i++)
            {
                var carrier = random.Next(carriers.Length);
                var (distance, weight) = (random.Next(5, 1500), random.Next(1, 300) / 10.0);
                var odds = -3 + (distance / 400.0) + (weight / 20.0) + (carrier == 3 ? 2 : 0);
                var late = random.NextDouble() < 1 / (1 + Math.Exp(-odds)) ? 1 : 0;
                file.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{new DateOnly(2025, 1, 1).AddDays(i * 180 / Rows):yyyy-MM-dd},{carriers[carrier]},{distance},{weight},{late}"));
            }
        }

        var path = Path.Combine(Folder, "parcels.csv");
        File.Move(draft, path, overwrite: true);
        return path;
    }
}
