using Gristmill.Objects;

namespace Gristmill.Engines.Torch;

/// <summary>An object store, a content store and a scratch folder of one test's own, gone with it.</summary>
internal sealed class TempStore : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("gristmill-torch-test-").FullName;

    public TempStore()
    {
        Objects = ObjectStore.Open(new ObjectStoreOptions { Directory = Path.Combine(_root, "objects") });
        Content = new ContentStore(Path.Combine(_root, "content"));
    }

    public ObjectStore Objects { get; }

    public ContentStore Content { get; }

    public string File(string name) => Path.Combine(_root, name);

    public void Dispose()
    {
        Objects.Dispose();
        Directory.Delete(_root, recursive: true);
    }
}
