using Gristmill.Grains.Testing;

namespace Gristmill.Grains.Runs;

public sealed class RunGraphTests
{
    [Fact]
    public void Ten_thousand_stages_that_each_need_one_of_all_take_linear_work()
    {
        var side = Enumerable.Range(0, 5000).Select(static i => Specs.Stage($"s{i}"));
        var chain = Enumerable.Range(0, 5000).Select(static i => i == 0 ? Specs.Stage("c0") : Specs.Stage($"c{i}", $"c{i - 1}", $"s{i}"));
        var spec = Specs.Pipeline([.. side, .. chain]);
        Assert.Empty(PipelineSpecValidator.Validate(spec));
        var graph = new RunGraph(spec);

        var order = new List<int>();
        while (graph.TryTakeReady(out var i))
        {
            order.Add(i);
            Assert.True(graph.Apply(i, graph.Views[i] with { Status = StageStatus.Running }));
            Assert.True(graph.Apply(i, graph.Views[i] with { Status = StageStatus.Succeeded }));
        }

        Assert.Equal(10_000, order.Distinct().Count());
        Assert.Equal(0, graph.Unfinished);
        Assert.Equal(0, graph.Running);
    }

    [Fact]
    public void What_is_over_stays_as_it_ended()
    {
        var graph = new RunGraph(Specs.Pipeline(Specs.Stage("a")));
        Assert.True(graph.Apply(0, graph.Views[0] with { Status = StageStatus.Running, Attempts = 2 }));
        Assert.False(graph.Apply(0, graph.Views[0] with { Status = StageStatus.Running, Attempts = 1 }));
        Assert.True(graph.Apply(0, graph.Views[0] with { Status = StageStatus.Succeeded }));

        Assert.False(graph.Apply(0, graph.Views[0] with { Status = StageStatus.Running, Attempts = 3 }));
        Assert.False(graph.Apply(0, graph.Views[0] with { Status = StageStatus.Failed }));

        Assert.Equal(StageStatus.Succeeded, graph["a"].Status);
        Assert.Equal(0, graph.Running);
    }
}
