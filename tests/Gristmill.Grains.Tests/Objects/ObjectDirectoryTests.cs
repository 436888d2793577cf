using Gristmill.Grains.Testing;

namespace Gristmill.Grains.Objects;

public sealed class ObjectDirectoryTests(ClusterFixture fixture) : IClassFixture<ClusterFixture>
{
    private static int s_port = 1000;
    private readonly string _id = Guid.NewGuid().ToString("n");

    private ScriptedHosts Hosts => fixture.Cluster.Hosts;

    private IObjectDirectoryGrain Directory => fixture.Cluster.Cluster.Client.DirectoryOf(_id);

    [Fact]
    public async Task Who_holds_an_object_is_found_by_asking_and_then_known()
    {
        var (holder, reader) = (Add(), Add());
        Hosts.Put(holder, _id);
        Assert.True(await Directory.HoldsAsync(_id));
        var asked = Hosts.Asked(reader);
        Assert.Equal(new ObjectSource(holder, false), await Directory.AcquireAsync(_id, reader, []));
        Assert.Equal(asked, Hosts.Asked(reader));
        Assert.False(await Directory.HoldsAsync(Guid.NewGuid().ToString("n")));
        Assert.Equal(new ObjectSource(null, false), await fixture.Cluster.Cluster.Client.DirectoryOf("../x").AcquireAsync("../x", reader, []));
    }

    /// <summary>Sixteen silos want what one has: nobody ever gives it to more than two at once, and those that have it give it on.</summary>
    [Fact]
    public async Task What_many_want_spreads_as_a_tree()
    {
        var first = Add();
        Hosts.Put(first, _id);
        var (gate, given, most, served) = (new Lock(), new Dictionary<SiloAddress, int>(), 0, new Dictionary<SiloAddress, int>());
        await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Add()).ToList().Select(async reader =>
        {
            var source = await Directory.AcquireAsync(_id, reader, []);
            var silo = Assert.IsType<SiloAddress>(source.Silo);
            lock (gate)
            {
                given[silo] = given.GetValueOrDefault(silo) + 1;
                served[silo] = served.GetValueOrDefault(silo) + 1;
                most = Math.Max(most, given[silo]);
            }

            await Task.Delay(20, TestContext.Current.CancellationToken);
            lock (gate)
            {
                given[silo]--;
            }

            Hosts.Put(reader, _id);
            await Directory.ReleaseAsync(_id, silo, reader, ReadingOutcome.Copied);
        }));
        Assert.Equal(ObjectDirectoryGrain.ReadingsAtOnce, most);
        Assert.InRange(served[first], 1, 10);
        Assert.True(served.Count > 3, $"only {served.Count} gave it on");
    }

    [Fact]
    public async Task The_nearest_is_asked_first()
    {
        var (far, near, reader) = (Add(2), Add(3), Add(3));
        Hosts.Put(far, _id);
        Hosts.Put(near, _id);
        Assert.Equal(near, (await Directory.AcquireAsync(_id, reader, [])).Silo);
    }

    [Fact]
    public async Task One_that_failed_the_reader_or_has_it_no_more_is_not_named_again()
    {
        var (one, two, reader) = (Add(), Add(), Add());
        Hosts.Put(one, _id);
        Hosts.Put(two, _id);
        var first = (await Directory.AcquireAsync(_id, reader, [])).Silo!;
        await Directory.ReleaseAsync(_id, first, reader, ReadingOutcome.Failed);
        var second = (await Directory.AcquireAsync(_id, reader, [first])).Silo!;
        Assert.NotEqual(first, second);
        await Directory.ReleaseAsync(_id, second, reader, ReadingOutcome.Gone);
        Hosts.Remove(second, _id);
        Assert.Equal(new ObjectSource(null, false), await Directory.AcquireAsync(_id, reader, [first]));

        // Another reader may read from the one that failed this one.
        Assert.Equal(first, (await Directory.AcquireAsync(_id, Add(), [])).Silo);
    }

    [Fact]
    public async Task A_reader_that_died_makes_room_for_the_next()
    {
        var holder = Add();
        Hosts.Put(holder, _id);
        var dead = new[] { Add(), Add() };
        foreach (var reader in dead)
        {
            Assert.Equal(holder, (await Directory.AcquireAsync(_id, reader, [])).Silo);
        }

        var waiting = Directory.AcquireAsync(_id, Add(), []);
        await Task.Delay(50, TestContext.Current.CancellationToken);
        Assert.False(waiting.IsCompleted);
        Hosts.Kill(dead[0]);
        Assert.Equal(holder, (await waiting).Silo);
    }

    /// <summary>A copy goes as all objects go, and nobody tells the directory.</summary>
    [Fact]
    public async Task What_is_remembered_and_gone_is_looked_for_anew()
    {
        var (first, reader) = (Add(), Add());
        Hosts.Put(first, _id);
        await Directory.ReleaseAsync(_id, (await Directory.AcquireAsync(_id, reader, [])).Silo!, reader, ReadingOutcome.Copied);
        await Directory.ReleaseAsync(_id, first, Add(), ReadingOutcome.Gone); // so that the reader alone is remembered
        Assert.Equal(first, (await Directory.AcquireAsync(_id, reader, [])).Silo);

        Hosts.Remove(first, _id);
        Assert.False(await Directory.HoldsAsync(_id));
        Hosts.Put(reader, _id);
        Assert.True(await Directory.HoldsAsync(_id));
    }

    [Fact]
    public async Task A_holder_that_died_is_replaced_by_another()
    {
        var (holder, other, reader) = (Add(), Add(), Add());
        Hosts.Put(holder, _id);
        Assert.True(await Directory.HoldsAsync(_id));
        Hosts.Put(other, _id); // which the directory has not heard of
        Hosts.Kill(holder);
        Assert.Equal(other, (await Directory.AcquireAsync(_id, reader, [])).Silo);
    }

    private SiloAddress Add(byte machine = 1) => Hosts.Add(Interlocked.Increment(ref s_port), machine);
}
