using System.Collections.Immutable;
using System.Text.Json;
using Apache.Arrow;
using Gristmill.Objects;

namespace Gristmill.Engines.MLNet;

/// <summary>Stores in a folder of their own, and a way to run stages over them.</summary>
internal sealed class StageHost : IDisposable
{
    private readonly string _folder;

    internal StageHost()
    {
        _folder = Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(), $"gristmill-test-{Guid.NewGuid():n}");
        Objects = ObjectStore.Open(new ObjectStoreOptions { Directory = Path.Combine(_folder, "objects") });
        Content = new ContentStore(Path.Combine(_folder, "content"));
        Models = new ModelLoader(Content, [new LightGbmModelEngine(), new MLNetModelEngine()]);
    }

    internal ObjectStore Objects { get; }

    internal ContentStore Content { get; }

    internal ModelLoader Models { get; }

    internal List<StageProgress> Reports { get; } = [];

    internal ObjectRef Put(params RecordBatch[] batches)
    {
        using var writer = Objects.Create(batches[0].Schema);
        foreach (var batch in batches)
        {
            writer.Append(batch);
        }

        return writer.Seal();
    }

    internal Task<StageOutputs> Run(
        IStageEngine engine, string operation, object options, Dictionary<string, ObjectRef> inputs, CancellationToken cancellationToken = default) =>
        engine.ExecuteAsync(new StageContext
        {
            Request = new StageRequest
            {
                RunId = "run",
                Stage = "train",
                Attempt = 1,
                Epoch = 1,
                Operation = operation,
                Options = JsonSerializer.Serialize(options, StageJson.Options),
                Inputs = inputs.ToImmutableDictionary(i => i.Key, i => Artifact.Of(i.Value)),
            },
            Objects = Objects,
            Content = Content,
            Models = Models,
            Threads = 2,
            Progress = new Reporter(Reports),
        }, cancellationToken);

    public void Dispose()
    {
        Objects.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private sealed class Reporter(List<StageProgress> reports) : IProgress<StageProgress>
    {
        public void Report(StageProgress value)
        {
            lock (reports)
            {
                reports.Add(value);
            }
        }
    }
}
