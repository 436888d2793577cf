using System.Text.Json;
using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Objects;

namespace Gristmill.Engines.Onnx;

/// <summary>Stores in a folder of their own, and imports.</summary>
internal sealed class OnnxHost : IDisposable
{
    internal OnnxHost()
    {
        Folder = Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(), $"gristmill-test-{Guid.NewGuid():n}");
        Objects = ObjectStore.Open(new ObjectStoreOptions { Directory = Path.Combine(Folder, "objects") });
        Content = new ContentStore(Path.Combine(Folder, "content"));
        Models = new ModelLoader(Content, [new OnnxModelEngine()]);
    }

    internal string Folder { get; }

    internal ObjectStore Objects { get; }

    internal ContentStore Content { get; }

    internal ModelLoader Models { get; }

    internal static RecordBatch Table(params (string Name, IArrowArray Column)[] columns) => new(
        new Schema(columns.Select(c => new Field(c.Name, c.Column.Data.DataType, true)), null), columns.Select(c => c.Column), columns[0].Column.Length);

    internal static FloatArray Floats(params float[] values) => new FloatArray.Builder().AppendRange(values).Build();

    internal static FixedSizeListArray Lists(int size, params float[] values) =>
        new(new FixedSizeListType(new Field("item", FloatType.Default, false), size), values.Length / size, Floats(values), ArrowBuffer.Empty, 0, 0);

    internal async Task<ModelRef> Import(byte[] model, object? options = null)
    {
        var path = Path.Combine(Folder, "model.onnx");
        await File.WriteAllBytesAsync(path, model);
        var json = JsonSerializer.SerializeToNode(options ?? new { }, StageJson.Options)!.AsObject();
        json["path"] ??= "model.onnx";
        var outputs = await new OnnxEngine().ExecuteAsync(new StageContext
        {
            Request = new StageRequest { RunId = "r", Stage = "import", Attempt = 1, Epoch = 1, Operation = "onnx.import", Options = json.ToJsonString() },
            Objects = Objects,
            Content = Content,
            Models = Models,
            BaseDirectory = Folder,
        }, CancellationToken.None);
        return outputs.Artifacts["out"].Model!;
    }

    public void Dispose()
    {
        Objects.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
