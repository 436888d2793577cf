using Gristmill.Data;
using Gristmill.Engines;

namespace Gristmill.Testing;

/// <summary>Stages that return a flow in place of a table.</summary>
public sealed class FlowStageTests : IAsyncLifetime
{
    private TestCluster _cluster = null!;

    private static Pipeline Pipeline { get; } = Gristmill.Pipeline.Create("flows", p =>
    {
        var raw = p.Read.Csv("/nowhere/parcels.csv").Named("raw");
        Table far = p.Run(Miles, raw, 100).Named("far");
        p.Sql($"select count(*) as n, sum(\"Miles\") as miles from {far}").Named("sum");
    });

    private static Pipeline Failing { get; } = Gristmill.Pipeline.Create("failing-flows", p => p.Run(Broken, p.Read.Csv("/nowhere/parcels.csv").Named("raw")).Named("broken"));

    public async ValueTask InitializeAsync()
    {
        _cluster = await TestCluster.StartAsync(new TestClusterOptions { Patience = TimeSpan.FromMinutes(2) });
        _cluster.Substitute("raw", Parcels.Rows);
    }

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task A_flow_becomes_a_table()
    {
        var run = (await _cluster.RunAsync(Pipeline)).EnsureSucceeded();

        Assert.Equal([new InMiles("Snail", 300 / 1.609), new InMiles(null, 120 / 1.609)], run["far"].Rows<InMiles>());
        var sum = Assert.Single(run["sum"].Rows());
        Assert.Equal((2L, 420 / 1.609), (sum.Get<long>("n"), sum.Get<double>("miles")));
    }

    [Fact]
    public async Task What_a_flow_fails_with_is_the_stages_failure()
    {
        var run = await _cluster.RunAsync(Failing);

        Assert.Equal(RunStatus.Failed, run.Status);
        Assert.Equal(ErrorCodes.StageFailed, run["broken"].Error!.Code);
        Assert.Contains("Row 1, map of Parcel to Int32: DivideByZeroException", run["broken"].Error!.Message, StringComparison.Ordinal);
    }

    private static DataFlow<InMiles> Miles(Dataset rows, int least) => rows.Flow().Sql($"select * from input where distance > {least}").Map((Parcel p) => new InMiles(p.Carrier, p.Distance / 1.609));

    private static DataFlow<int> Broken(Dataset rows) => rows.Flow().Map((Parcel p) => 1 / (p.Distance - 20));

    private sealed record InMiles(string? Carrier, double Miles);
}
