using Gristmill.Engines.Core;

namespace Gristmill.Engines;

public sealed class ShareReporterTests
{
    [Fact]
    public void Reports_rise_though_a_thread_is_held_up_while_it_reports()
    {
        using var stores = new TestStores();
        var slow = new Slow();
        var reporter = new ShareReporter(stores.Context("core.evaluate", "{}", slow), "scoring");
        slow.Overtake = () => reporter.Report(1);
        reporter.Report(0.5);
        slow.Overtaking!.Join();
        Assert.Equal([0.5, 1], slow.Told);
    }

    [Fact]
    public void A_share_told_again_or_less_than_a_percent_on_is_no_report()
    {
        using var stores = new TestStores();
        var told = new Slow();
        var reporter = new ShareReporter(stores.Context("core.evaluate", "{}", told), "scoring", 0.5);
        foreach (var share in new[] { 0.5, 0.5, 0.505, 0.4, 1 })
        {
            reporter.Report(share);
        }

        Assert.Equal([0.75, 1], told.Told);
    }

    // While it takes the first report another thread tells a later one, and has time enough to get ahead.
    private sealed class Slow : IProgress<StageProgress>
    {
        public List<double?> Told { get; } = [];
        public Action? Overtake { get; set; }
        public Thread? Overtaking { get; private set; }

        public void Report(StageProgress value)
        {
            if (Overtake is { } overtake)
            {
                Overtake = null;
                Overtaking = new Thread(() => overtake());
                Overtaking.Start();
                Overtaking.Join(TimeSpan.FromMilliseconds(200));
            }

            Told.Add(value.Fraction);
        }
    }
}
