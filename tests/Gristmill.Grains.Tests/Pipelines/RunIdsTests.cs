namespace Gristmill.Grains.Pipelines;

public sealed class RunIdsTests
{
    [Fact]
    public void Ids_are_unique_and_sort_in_the_order_they_were_made()
    {
        var ids = Enumerable.Range(0, 20_000).Select(static _ => RunIds.Next(TimeProvider.System)).ToList();

        Assert.Equal(ids, ids.Order(StringComparer.Ordinal));
        Assert.Equal(ids.Count, ids.Distinct().Count());
        Assert.All(ids, static id => Assert.Equal(18, id.Length));
        Assert.All(ids, static id => Assert.True(GristmillName.IsValid(id)));
    }
}
