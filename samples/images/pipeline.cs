#:project ../../client/Gristmill/Gristmill.csproj
#:property PublishAot=false

// What is in the picture: a shirt, a boot, a bag? Fashion-MNIST, 70,000 pictures of 28 x 28 pixels, read from its own file
// format by a stage of this file, learnt by a convolutional network of this file and by a linear model for comparison.
//
//   dotnet run pipeline.cs                              runs in this process
//   dotnet run pipeline.cs -- -p pictures=6000          with a tenth of the pictures
//   mill run pipeline.cs                                ships the very same file to a server

using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill;
using Gristmill.Engines;
using Gristmill.Engines.Torch;
using Table = Gristmill.Table;
using static TorchSharp.torch;

var images = Pipeline.Create("images", p =>
{
    var folder = p.Parameter("folder", "/usr/share/datasets/fashion-mnist");
    var pictures = p.Parameter("pictures", 60_000);
    var epochs = p.Parameter("epochs", 3);

    Table train = p.Run(ReadPictures, folder, "train", pictures);
    Table test = p.Run(ReadPictures, folder, "t10k", 10_000);

    Model cnn = p.Run(TrainCnn, train, epochs);
    var linear = p.Train.Linear(train, label: Pictures.Label);

    var best = p.Best(Metric.Accuracy, over: test, among: [cnn, linear]);
    p.Register("fashion", best, when: best.Score > 0.75);
}, "What is in the picture: a shirt, a boot, a bag?");

return await Mill.RunAsync(images, args);

// A table with a column a pixel, as "pixel1" to "pixel784", and the name of what is in the picture.
static RecordBatch ReadPictures(string folder, string set, int atMost)
{
    var (pixels, count) = Pictures.Read(Path.Combine(folder, $"{set}-images-idx3-ubyte.gz"), headerBytes: 16, Pictures.Size);
    var (labels, labelled) = Pictures.Read(Path.Combine(folder, $"{set}-labels-idx1-ubyte.gz"), headerBytes: 8, itemBytes: 1);
    if (count != labelled)
    {
        throw new InvalidDataException($"There are {count} pictures in '{set}', but {labelled} labels.");
    }

    var rows = Math.Min(count, atMost);
    var fields = new List<Field>();
    var columns = new List<IArrowArray>();
    for (var pixel = 0; pixel < Pictures.Size; pixel++)
    {
        var column = new byte[rows];
        for (var row = 0; row < rows; row++)
        {
            column[row] = pixels[(row * Pictures.Size) + pixel];
        }

        fields.Add(new Field($"pixel{pixel + 1}", UInt8Type.Default, nullable: false));
        columns.Add(new UInt8Array(new ArrowBuffer(column), ArrowBuffer.Empty, rows, nullCount: 0, offset: 0));
    }

    var names = new StringArray.Builder().Reserve(rows);
    foreach (var label in labels.AsSpan(0, rows))
    {
        names.Append(Pictures.Names[label]);
    }

    fields.Add(new Field(Pictures.Label, StringType.Default, nullable: false));
    columns.Add(names.Build());
    return new RecordBatch(new Schema(fields, metadata: null), columns, rows);
}

static ModelRef TrainCnn(Dataset train, int epochs, StageContext stage, CancellationToken cancellationToken)
{
    TorchRuntime.SetThreads(stage.Threads);   // torch would take all cores; sums of floats depend on how many add them up
    manual_seed(7);

    var plan = new FeaturePlan([.. Enumerable.Range(1, Pictures.Size).Select(i =>
        new TransformSpec(TransformKind.Number, [string.Create(CultureInfo.InvariantCulture, $"pixel{i}")]))]);
    var encoder = FeatureEncoder.Fit(plan, train.Batches, Pictures.Label);
    var encoded = encoder.EncodeTo(stage.Objects, train.Batches, Pictures.Label);
    try
    {
        using var lease = stage.Objects.Get(encoded);
        var options = new TorchDataLoaderOptions { BatchSize = 128, Shuffle = true, Seed = 7 };
        using var loader = TorchDataLoader.Open(lease, [FeatureEncoder.FeaturesColumn, FeatureEncoder.LabelColumn], options);   // of [pictures, 784], in shared memory
        var classes = encoder.Label!.Classes.Length;
        using var network = new PictureNet(classes);
        using var adam = optim.Adam(network.parameters(), lr: 0.002);
        for (var epoch = 1; epoch <= epochs; epoch++)
        {
            var (total, seen) = (0.0, 0L);
            foreach (var batch in loader.Read(cancellationToken))
            {
                using var step = NewDisposeScope();
                var (x, y) = batch;
                var loss = nn.functional.cross_entropy(network.call(x), y.to(ScalarType.Int64));
                adam.zero_grad();
                loss.backward();
                adam.step();
                total += loss.item<float>() * batch.Rows;
                seen += batch.Rows;
                stage.Report((epoch - 1 + ((double)seen / loader.Rows)) / epochs, $"epoch {epoch} of {epochs}", ("loss", total / seen));
            }
        }

        network.eval();
        return TorchModels.SaveModule(stage.Content, network, encoder, ModelTask.Multiclass, stage.Request.Code, arguments: [classes]);
    }
    finally
    {
        stage.Objects.Delete(encoded.Id);
    }
}

/// <summary>Two convolutions and two linear layers; public, because a server constructs it anew from this file's assembly.</summary>
public sealed class PictureNet : nn.Module<Tensor, Tensor>
{
    private readonly TorchSharp.Modules.Conv2d _edges = nn.Conv2d(1, 16, 3, padding: 1);
    private readonly TorchSharp.Modules.Conv2d _shapes = nn.Conv2d(16, 32, 3, padding: 1);
    private readonly TorchSharp.Modules.Linear _parts = nn.Linear(32 * 7 * 7, 64);
    private readonly TorchSharp.Modules.Linear _names;

    /// <param name="classes">Kinds of things to tell apart.</param>
    public PictureNet(int classes) : base(nameof(PictureNet))
    {
        _names = nn.Linear(64, classes);
        RegisterComponents();
    }

    /// <summary>Pixels from 0 to 255, [pictures, 784], to logits [pictures, classes].</summary>
    public override Tensor forward(Tensor input)
    {
        var x = (input / 255).reshape(-1, 1, 28, 28);
        x = nn.functional.max_pool2d(nn.functional.relu(_edges.call(x)), 2);
        x = nn.functional.max_pool2d(nn.functional.relu(_shapes.call(x)), 2);
        return _names.call(nn.functional.relu(_parts.call(x.flatten(1))));
    }
}

/// <summary>Fashion-MNIST's files: a header of big-endian numbers, then a byte a pixel or label, all of it gzipped.</summary>
internal static class Pictures
{
    /// <summary>Pixels of a picture.</summary>
    public const int Size = 28 * 28;

    public const string Label = "label";

    public static string[] Names { get; } =
        ["t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"];

    /// <summary>The items' bytes one after the other, and how many items there are.</summary>
    public static (byte[] Bytes, int Count) Read(string path, int headerBytes, int itemBytes)
    {
        using var file = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        var header = new byte[headerBytes];
        file.ReadExactly(header);
        var count = BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(4));
        var bytes = new byte[checked(count * itemBytes)];
        file.ReadExactly(bytes);
        return (bytes, count);
    }
}
