using Apache.Arrow.Ipc;

namespace Gristmill.Objects;

public sealed class ObjectOwnerTests
{
    [Fact]
    public async Task An_object_says_who_made_it_and_when_and_other_readers_do_not_mind()
    {
        using var test = new TestStore();
        var before = DateTimeOffset.UtcNow.AddMilliseconds(-1);
        ObjectRef owned, deeper, unowned;
        using (ObjectOwner.Use("r1/train"))
        {
            owned = ObjectStoreTests.Write(test.Store, 10, 1);
            deeper = await Task.Run(() => WriteOnThread(test.Store), TestContext.Current.CancellationToken);
        }

        unowned = ObjectStoreTests.Write(test.Store, 10, 1);
        Assert.Equal("r1/train", Describe(test.Store, owned).Owner);
        Assert.Equal("r1/train", Describe(test.Store, deeper).Owner);
        Assert.Null(Describe(test.Store, unowned).Owner);
        Assert.InRange(Describe(test.Store, owned).Created!.Value, before, DateTimeOffset.UtcNow);
        Assert.Equal(owned.Checksum, unowned.Checksum);

        using var file = File.OpenRead(Path.Combine(test.Directory, owned.Id + ".arrow"));
        using var reader = new ArrowFileReader(file);
        Assert.Equal(10, (await reader.ReadNextRecordBatchAsync(TestContext.Current.CancellationToken)).Length);
    }

    [Theory]
    [InlineData("r1/train", "r1")]
    [InlineData("r1/a/b", "r1")]
    [InlineData("predict", null)]
    [InlineData("/train", null)]
    [InlineData("", null)]
    [InlineData(null, null)]
    public void A_run_is_what_stands_before_the_slash(string? owner, string? run) => Assert.Equal(run, ObjectOwner.RunOf(owner));

    [Theory]
    [InlineData("")]
    [InlineData("a\u001b[2J")]
    public void What_is_none_is_refused(string owner) => Assert.Throws<ArgumentException>(() => ObjectOwner.Use(owner));

    [Fact]
    public void Scopes_nest()
    {
        using (ObjectOwner.Use("a"))
        {
            using (ObjectOwner.Use("b"))
            {
                Assert.Equal("b", ObjectOwner.Current);
            }

            Assert.Equal("a", ObjectOwner.Current);
        }

        Assert.Null(ObjectOwner.Current);
    }

    private static ObjectDescription Describe(ObjectStore store, ObjectRef reference) => store.Describe(store.Find(reference.Id)!);

    private static ObjectRef WriteOnThread(ObjectStore store)
    {
        ObjectRef? written = null;
        var thread = new Thread(() => written = ObjectStoreTests.Write(store, 10, 1));
        thread.Start();
        thread.Join();
        return written!;
    }
}
