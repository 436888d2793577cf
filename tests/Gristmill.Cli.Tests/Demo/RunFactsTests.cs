using System.Collections.Immutable;

namespace Gristmill.Cli.Demo;

public sealed class RunFactsTests
{
    private static readonly PipelineSpec Spec = Pipeline.Create("flights", p =>
    {
        var rows = p.Read.Parquet("/a");
        var trees = p.Train.LightGbm(rows, label: "late");
        var mlp = p.Train.TorchMlp(rows, label: "late");
        p.Best(Metric.Auc, over: rows, among: [trees, mlp], by: "date", byPart: DatePart.Month);
    }).Spec;

    private static StageView Stage(string name, string operation, StageUsage usage, params (string, double)[] metrics) => new()
    {
        Name = name,
        Operation = operation,
        Status = StageStatus.Succeeded,
        Usage = usage,
        Started = DateTimeOffset.UnixEpoch,
        Ended = DateTimeOffset.UnixEpoch.AddMilliseconds(57.04),
        Outputs = metrics.Length == 0 ? [] : ImmutableDictionary<string, Artifact>.Empty
            .Add("metrics", Artifact.Of(metrics.ToImmutableDictionary(m => m.Item1, m => m.Item2))),
    };

    private static readonly RunView Run = new()
    {
        Id = "r",
        Pipeline = "flights",
        PipelineVersion = "0",
        Status = RunStatus.Succeeded,
        Created = default,
        Stages =
        [
            Stage("rows", StageOperations.SqlRead, new StageUsage { Rows = 3_000_000, WallMs = 12.34, BytesCopied = 7 }),
            Stage("best", StageOperations.Best, new StageUsage(), ("score", 0.68), ("trees/auc", 0.68), ("trees/2001-04/auc", 0.68612), ("trees/2001-05/auc", 0.67),
                ("trees/2001-04/logloss", 1), ("mlp/2001-04/auc", 0.678)),
            new StageView { Name = "register", Operation = StageOperations.Register, Status = StageStatus.Skipped },
        ],
    };

    [Fact]
    public void Rows_and_copies_are_summed()
    {
        Assert.Equal(3_000_000, RunFacts.RowsIngested(Run));
        Assert.Equal(7, RunFacts.BytesCopied(Run));
        Assert.Equal([("rows", 57), ("best", 57)], RunFacts.Stages(Run).Select(s => (s.Name, s.WallMs)));
    }

    [Fact]
    public void Auc_is_told_by_engine_and_month()
    {
        var auc = RunFacts.AucByMonth(Run, Spec);

        Assert.Equal(["lightgbm", "torch"], auc.Keys);
        Assert.Equal([KeyValuePair.Create("2001-04", 0.6861), KeyValuePair.Create("2001-05", 0.67)], auc["lightgbm"]);
        Assert.Equal(0.678, auc["torch"]["2001-04"]);
    }

    [Fact]
    public void Percentiles_are_of_the_nearest_rank()
    {
        var times = Enumerable.Range(1, 200).Select(i => (double)i).ToArray();

        Assert.Equal(100, LoadGenerator.Percentile(times, 0.5));
        Assert.Equal(198, LoadGenerator.Percentile(times, 0.99));
        Assert.Equal(5, LoadGenerator.Percentile([5], 0.99));
    }

    [Fact]
    public async Task The_sampler_sees_this_process_and_its_children()
    {
        using var child = System.Diagnostics.Process.Start("sleep", "30");
        try
        {
            Assert.Contains(child.Id, MemorySampler.Tree(Environment.ProcessId));
            await using var sampler = new MemorySampler(child.Id, TimeProvider.System);
            while (sampler.PeakBytes == 0)
            {
                await Task.Yield();
            }

            Assert.InRange(sampler.PeakBytes, 1 << 20, 8L << 30);
        }
        finally
        {
            child.Kill();
        }
    }
}
