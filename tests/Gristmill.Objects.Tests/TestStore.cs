namespace Gristmill.Objects;

/// <summary>
/// A store in a folder of its own under shared memory, removed afterwards; fails if leases leaked. Small objects have segments of their own unless it is told
/// otherwise: most tests are about segments, and write little.
/// </summary>
internal sealed class TestStore : IDisposable
{
    private readonly int _smallObjectBytes;

    public TestStore(long capacity = 0, int smallObjectBytes = 0)
    {
        _smallObjectBytes = smallObjectBytes;
        string root = System.IO.Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();
        Directory = Path.Combine(root, "gristmill-test-" + Guid.NewGuid().ToString("n"));
        Store = Open(capacity);
    }

    public string Directory { get; }

    public ObjectStore Store { get; }

    public ObjectStore Open(long capacity = 0) =>
        ObjectStore.Open(new ObjectStoreOptions { Directory = Directory, CapacityBytes = capacity, Host = "here", SmallObjectBytes = _smallObjectBytes });

    public string[] Files() => [.. System.IO.Directory.GetFiles(Directory).Select(file => Path.GetFileName(file)!).Order(StringComparer.Ordinal)];

    public void Dispose()
    {
        System.IO.Directory.Delete(Directory, recursive: true);
        Assert.Equal(0, Store.LiveLeases);
        Store.Dispose();
    }
}
