using Microsoft.Extensions.Time.Testing;

namespace Gristmill.Objects;

public sealed class ContentStoreTests : IDisposable
{
    private readonly string _root = Path.Combine(Path.GetTempPath(), "gristmill-content-" + Guid.NewGuid().ToString("n"));

    public void Dispose()
    {
        if (Directory.Exists(_root))
        {
            Directory.Delete(_root, recursive: true);
        }
    }

    [Fact]
    public void The_same_files_give_the_same_digest_and_are_kept_once()
    {
        var store = new ContentStore(_root);
        var (digest, bytes) = Commit(store, ("b.txt", "world"), ("a/x.bin", "hello"));
        Assert.Equal(10, bytes);
        Assert.Equal(64, digest.Length);
        Assert.True(store.Contains(digest));
        Assert.Equal("hello", File.ReadAllText(Path.Combine(store.GetPath(digest), "a", "x.bin")));
        Assert.Equal((digest, bytes), Commit(new ContentStore(_root), ("a/x.bin", "hello"), ("b.txt", "world")));
        Assert.NotEqual(digest, Commit(store, ("a/x.bin", "hell"), ("b.txt", "oworld")).Digest);
        Assert.NotEqual(digest, Commit(store, ("a.x.bin", "hello"), ("b.txt", "world")).Digest);
        Assert.Empty(Directory.GetDirectories(Path.Combine(_root, "staging")));

        // A digest is part of stored state: it must not change between versions.
        Assert.Equal("65c8ac65a66806459592104bbf938449de3a9efe58bc9c36312967a3d5dba8a2", digest);
    }

    [Fact]
    public void Many_committers_of_one_content_agree()
    {
        var digests = new string[16];
        Parallel.For(0, digests.Length, i => digests[i] = Commit(new ContentStore(_root), ("f", "same"), ("g/h", "content")).Digest);
        Assert.Single(digests.Distinct());
        Assert.Equal("same", File.ReadAllText(Path.Combine(new ContentStore(_root).GetPath(digests[0]), "f")));
        Assert.Empty(Directory.GetDirectories(Path.Combine(_root, "staging")));
    }

    [Fact]
    public void Links_empty_folders_and_other_folders_are_refused()
    {
        var store = new ContentStore(_root);
        string staged = store.Stage();
        AssertInvalid(() => store.Commit(staged));
        File.CreateSymbolicLink(Path.Combine(staged, "link"), "/etc/hostname");
        AssertInvalid(() => store.Commit(staged));
        File.Delete(Path.Combine(staged, "link"));
        Directory.CreateSymbolicLink(Path.Combine(staged, "folder"), "/etc");
        AssertInvalid(() => store.Commit(staged));
        AssertInvalid(() => store.Commit("/etc"));
        AssertInvalid(() => store.Commit(Path.Combine(staged, "..", "..")));
        AssertInvalid(() => store.Commit(Path.Combine(_root, "staging", "gone")));
    }

    [Theory]
    [InlineData("")]
    [InlineData("../../etc")]
    [InlineData("ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef0123456789")]
    public void What_is_no_digest_is_invalid(string digest)
    {
        var store = new ContentStore(_root);
        Assert.False(store.Contains(digest));
        Assert.False(store.Delete(digest));
        AssertInvalid(() => store.GetPath(digest));
    }

    [Fact]
    public void Unknown_content_is_not_found_and_known_content_is_deleted()
    {
        var store = new ContentStore(_root);
        var error = Assert.Throws<GristmillException>(() => store.GetPath(new string('0', 64)));
        Assert.Equal(ErrorCodes.NotFound, error.Code);
        var (digest, _) = Commit(store, ("f", "x"));
        Assert.True(store.Delete(digest));
        Assert.False(store.Delete(digest));
        Assert.False(store.Contains(digest));
    }

    [Fact]
    public void Stale_staging_folders_are_swept_and_fresh_ones_stay()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var store = new ContentStore(_root, time);
        Assert.Equal(0, store.Sweep(TimeSpan.FromHours(1)));
        string staged = store.Stage();
        File.WriteAllText(Path.Combine(staged, "f"), "x");
        var (digest, _) = Commit(store, ("kept", "y"));
        Assert.Equal(0, store.Sweep(TimeSpan.FromHours(1)));
        time.Advance(TimeSpan.FromHours(2));
        Assert.Equal(1, store.Sweep(TimeSpan.FromHours(1)));
        Assert.False(Directory.Exists(staged));
        Assert.True(store.Contains(digest));
    }

    private static (string Digest, long Bytes) Commit(ContentStore store, params (string Name, string Text)[] files)
    {
        string staged = store.Stage();
        foreach (var (name, text) in files)
        {
            string path = Path.Combine(staged, name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, text);
        }

        return store.Commit(staged);
    }

    private static void AssertInvalid(Action act) => Assert.Equal(ErrorCodes.Invalid, Assert.Throws<GristmillException>(act).Code);
}
