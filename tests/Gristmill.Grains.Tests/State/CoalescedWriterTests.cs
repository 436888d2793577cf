namespace Gristmill.Grains.State;

public sealed class CoalescedWriterTests
{
    [Fact]
    public async Task Callers_during_a_write_share_the_next_one()
    {
        var writes = new List<TaskCompletionSource>();
        var writer = new CoalescedWriter(() =>
        {
            writes.Add(new TaskCompletionSource());
            return writes[^1].Task;
        });

        var first = writer.WriteAsync();
        var second = writer.WriteAsync();
        var third = writer.WriteAsync();
        Assert.Single(writes);
        Assert.Same(second, third);
        writes[0].SetException(new InvalidOperationException());
        await Assert.ThrowsAsync<InvalidOperationException>(() => first);
        Assert.Equal(2, writes.Count);
        Assert.False(second.IsCompleted);
        var fourth = writer.WriteAsync();
        Assert.NotSame(second, fourth);
        writes[1].SetResult();
        await second;
        Assert.Equal(3, writes.Count);
        writes[2].SetResult();
        await fourth;
    }
}
