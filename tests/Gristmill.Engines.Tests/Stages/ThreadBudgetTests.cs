namespace Gristmill.Engines;

public sealed class ThreadBudgetTests
{
    [Theory]
    [InlineData(8, 2, new[] { 4, 4 })]
    [InlineData(8, 3, new[] { 3, 3, 2 })]
    [InlineData(2, 4, new[] { 1, 1, 1, 1 })]
    [InlineData(0, 0, new[] { 1 })]
    public void Cores_are_shared_out(int cores, int slots, int[] threads) =>
        Assert.Equal(threads, Enumerable.Range(0, threads.Length).Select(s => new ThreadBudget(cores, slots).Of(s)));

    [Fact]
    public void An_attempt_may_ask_for_more_but_not_for_more_than_there_is()
    {
        Assert.Equal(4, new ThreadBudget(4, 4).Of(0, asked: 9));
        Assert.Equal(1, new ThreadBudget(4, 4).Of(0, asked: 0));
        Assert.Equal("3", ThreadBudget.Environ(3)["OMP_NUM_THREADS"]);
        Assert.Equal("passive", ThreadBudget.Environ(1)["OMP_WAIT_POLICY"]);
    }
}
