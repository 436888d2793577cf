using System.Collections.Concurrent;
using System.Reflection;
using Xunit.v3;

[assembly: Gristmill.Patience]

namespace Gristmill;

/// <summary>
/// Cancels a test that takes longer than any does, and names it in the program's output: one that waits for ever would else end its whole program,
/// and leave no word of which it was.
/// </summary>
[AttributeUsage(AttributeTargets.Assembly)]
internal sealed class PatienceAttribute : BeforeAfterTestAttribute
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(10);
    private static readonly ConcurrentDictionary<string, Timer> s_timers = [];

    public override void Before(MethodInfo methodUnderTest, IXunitTest test)
    {
        var context = TestContext.Current;
        s_timers[test.UniqueID] = new Timer(
            _ =>
            {
                Console.WriteLine($"{test.TestDisplayName} has not ended within {s_patience.TotalMinutes} minutes, and is cancelled.");
                context.CancelCurrentTest();
            },
            null,
            s_patience,
            Timeout.InfiniteTimeSpan);
    }

    public override void After(MethodInfo methodUnderTest, IXunitTest test)
    {
        if (s_timers.TryRemove(test.UniqueID, out var timer))
        {
            timer.Dispose();
        }
    }
}
