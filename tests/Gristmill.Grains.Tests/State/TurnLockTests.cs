namespace Gristmill.Grains.State;

public sealed class TurnLockTests
{
    [Fact]
    public async Task Turns_are_given_one_by_one_in_order()
    {
        var turns = new TurnLock();
        await turns.EnterAsync();
        Assert.False(turns.TryEnter());
        var (second, third) = (turns.EnterAsync(), turns.EnterAsync());

        turns.Leave();
        await second;
        Assert.False(third.IsCompleted);
        turns.Leave();
        await third;
        turns.Leave();

        Assert.True(turns.TryEnter());
    }
}
