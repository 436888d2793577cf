namespace Gristmill.Objects;

/// <summary>A store in a folder of its own under shared memory, removed afterwards; fails if leases leaked.</summary>
internal sealed class TestStore : IDisposable
{
    public TestStore(long capacity = 0)
    {
        string root = System.IO.Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();
        Directory = Path.Combine(root, "gristmill-test-" + Guid.NewGuid().ToString("n"));
        Store = Open(capacity);
    }

    public string Directory { get; }

    public ObjectStore Store { get; }

    public ObjectStore Open(long capacity = 0) =>
        ObjectStore.Open(new ObjectStoreOptions { Directory = Directory, CapacityBytes = capacity, Host = "here" });

    public string[] Files() => [.. System.IO.Directory.GetFiles(Directory).Select(file => Path.GetFileName(file)!).Order(StringComparer.Ordinal)];

    public void Dispose()
    {
        System.IO.Directory.Delete(Directory, recursive: true);
        Assert.Equal(0, Store.LiveLeases);
        Store.Dispose();
    }
}
