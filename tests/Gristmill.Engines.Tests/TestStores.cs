using System.Collections.Immutable;
using Apache.Arrow;
using Gristmill.Objects;

namespace Gristmill.Engines;

/// <summary>An object store and a content store in folders of their own, gone with the test.</summary>
internal sealed class TestStores : IDisposable
{
    private readonly string _root = Path.Combine(Path.GetTempPath(), $"gristmill-engines-{Guid.NewGuid():n}");
    private readonly string _segments = Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(), $"gristmill-engines-{Guid.NewGuid():n}");

    public TestStores(params IModelEngine[] engines)
    {
        Objects = ObjectStore.Open(new ObjectStoreOptions { Directory = _segments });
        Content = new ContentStore(Path.Combine(_root, "content"));
        Models = new ModelLoader(Content, engines);
        Directory.CreateDirectory(_root);
    }

    public string Root => _root;

    public ObjectStore Objects { get; }

    public ContentStore Content { get; }

    public ModelLoader Models { get; }

    public List<StageProgress> Progress { get; } = [];

    public Tracker Track { get; init; } = Tracker.None;

    public ObjectRef Put(params RecordBatch[] batches)
    {
        using var writer = Objects.Create(batches[0].Schema);
        foreach (var batch in batches)
        {
            writer.Append(batch);
        }

        return writer.Seal();
    }

    public Task<StageOutputs> RunAsync(string operation, string options, params (string Name, Artifact Input)[] inputs) =>
        RunAsync(operation, options, CancellationToken.None, inputs);

    public Task<StageOutputs> RunAsync(string operation, string options, CancellationToken cancellation, params (string Name, Artifact Input)[] inputs) =>
        new CoreEngine().ExecuteAsync(Context(operation, options, new Reports(Progress), inputs), cancellation);

    public StageContext Context(string operation, string options, IProgress<StageProgress> progress, params (string Name, Artifact Input)[] inputs) => new()
    {
        Request = new StageRequest
        {
            RunId = "run",
            Stage = "stage",
            Attempt = 1,
            Epoch = 1,
            Operation = operation,
            Options = options,
            Inputs = inputs.ToImmutableDictionary(i => i.Name, i => i.Input),
        },
        Objects = Objects,
        Content = Content,
        Models = Models,
        Threads = 2,
        BaseDirectory = _root,
        Progress = progress,
        Track = Track,
    };

    public void Dispose()
    {
        Objects.Dispose();
        foreach (var folder in new[] { _root, _segments })
        {
            if (Directory.Exists(folder))
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }

    // Reports come from worker threads; Progress<T> would post them elsewhere and late.
    private sealed class Reports(List<StageProgress> into) : IProgress<StageProgress>
    {
        public void Report(StageProgress value)
        {
            lock (into)
            {
                into.Add(value);
            }
        }
    }
}
