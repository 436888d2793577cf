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

    [Fact]
    public void Stages_that_follow_one_another_are_known_ahead_until_more_than_one_may_start()
    {
        // d waits for three of them; after d there are two.
        var graph = new RunGraph(Specs.Pipeline(
            Specs.Stage("a"), Specs.Stage("b", "a"), Specs.Stage("c", "a", "b"), Specs.Stage("d", "a", "b", "c"), Specs.Stage("e", "d"), Specs.Stage("f", "d")));
        Assert.Empty(graph.OnlySuccessors(0));

        Assert.True(graph.TryTakeReady(out var a));
        Assert.True(graph.Apply(a, graph.Views[a] with { Status = StageStatus.Running }));
        Assert.Equal(["b", "c", "d"], Names(a));

        Assert.True(graph.Apply(a, graph.Views[a] with { Status = StageStatus.Succeeded }));
        Assert.Empty(graph.OnlySuccessors(a));
        Assert.True(graph.TryTakeReady(out var b));
        Assert.True(graph.Apply(b, graph.Views[b] with { Status = StageStatus.Running }));
        Assert.Equal(["c", "d"], Names(b));

        IEnumerable<string> Names(int node) => graph.OnlySuccessors(node).Select(i => graph.Views[i].Name);
    }

    [Fact]
    public void Nothing_is_known_ahead_beside_what_runs_or_may_start()
    {
        var graph = new RunGraph(Specs.Pipeline(Specs.Stage("a"), Specs.Stage("b", "a"), Specs.Stage("other")));
        Assert.True(graph.TryTakeReady(out var a));
        Assert.True(graph.Apply(a, graph.Views[a] with { Status = StageStatus.Running }));
        Assert.Empty(graph.OnlySuccessors(a));

        Assert.True(graph.TryTakeReady(out var other));
        Assert.True(graph.Apply(other, graph.Views[other] with { Status = StageStatus.Running }));
        Assert.Empty(graph.OnlySuccessors(a));

        Assert.True(graph.Apply(other, graph.Views[other] with { Status = StageStatus.Succeeded }));
        Assert.Equal(1, Assert.Single(graph.OnlySuccessors(a)));
    }
}
