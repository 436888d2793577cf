using Gristmill.Grains.Testing;

namespace Gristmill.Grains.Registry;

public sealed class ModelGrainTests(ClusterFixture fixture) : IClassFixture<ClusterFixture>
{
    private readonly TestCluster _cluster = fixture.Cluster;

    [Fact]
    public async Task Versions_count_up_and_a_key_makes_one()
    {
        var model = _cluster.Client.GetGrain<IModelGrain>("m1");
        Assert.Null(await model.GetAsync());

        var first = await model.RegisterAsync(Request('a', "k1"));
        var again = await model.RegisterAsync(Request('b', "k1"));
        var second = await model.RegisterAsync(Request('b', null));
        await _cluster.Cluster.DeactivateAsync(model);
        var late = await model.RegisterAsync(Request('c', "k1"));

        Assert.Equal((1, 1, 2, 1), (first.Version, again.Version, second.Version, late.Version));
        Assert.Equal(first.Model, late.Model);
        Assert.Equal([1, 2], (await model.GetAsync())!.Versions.Select(static v => v.Version));
    }

    [Fact]
    public async Task A_bad_name_or_package_is_refused_and_not_listed()
    {
        Assert.Equal(ErrorCodes.Invalid, (await Assert.ThrowsAsync<GristmillException>(
            () => _cluster.Client.GetGrain<IModelGrain>("bad name").RegisterAsync(Request('a', null)))).Code);
        Assert.Equal(ErrorCodes.Invalid, (await Assert.ThrowsAsync<GristmillException>(
            () => _cluster.Client.GetGrain<IModelGrain>("m2").RegisterAsync(new RegisterModelRequest { Model = new ModelRef("", "x", 1) }))).Code);

        var listed = await _cluster.Client.GetGrain<ICatalogGrain>("models").ListAsync();
        Assert.DoesNotContain("bad name", listed);
        Assert.DoesNotContain("m2", listed);
    }

    [Fact]
    public async Task A_catalog_keeps_names_once_and_in_order()
    {
        var catalog = _cluster.Client.GetGrain<ICatalogGrain>("test-names");
        foreach (var name in new[] { "b", "a", "B", "a" })
        {
            await catalog.AddAsync(name);
        }

        await catalog.RemoveAsync("b");
        await catalog.RemoveAsync("never");
        await _cluster.Cluster.DeactivateAsync(catalog);

        Assert.Equal(["B", "a"], await catalog.ListAsync());
    }

    private static RegisterModelRequest Request(char digest, string? key) =>
        new() { Model = new ModelRef(new string(digest, 64), "torch", 10), IdempotencyKey = key };
}
