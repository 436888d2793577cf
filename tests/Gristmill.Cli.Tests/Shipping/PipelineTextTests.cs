using Gristmill.Running;

namespace Gristmill.Cli.Shipping;

public sealed class PipelineTextTests
{
    [Fact]
    public void Explain_shows_parameters_stages_inputs_and_conditions()
    {
        var spec = Pipeline.Create("p", p =>
        {
            var least = p.Parameter("least", 0.5);
            var (train, test) = p.Split(p.Read.Csv("/a")).AtRandom();
            var best = p.Best(Metric.Auc, over: test, among: [p.Train.Linear(train, label: "y")]);
            p.Register("m", best, when: best.Score > least);
        }, "A sentence.").Spec;

        Assert.Equal($$"""
            p  version {{PipelineVersion.Of(spec)}}
            A sentence.
              --param least  number, default 0.5
            ├─ read  sql.read
            │     {"format":"csv","path":"/a"}
            ├─ split  sql.split
            │     data <- read
            │     {"by":"random","fractions":[0.8,0.2],"names":["train","test"],"seed":42}
            ├─ linear  mlnet.linear
            │     data <- split.train
            │     {"label":"y"}
            ├─ best  core.best
            │     data <- split.test
            │     model:model-1 <- linear
            │     {"metric":"auc"}
            └─ register  control.register
                  model <- best
                  {"name":"m"}
                  when best.score > least
            """.ReplaceLineEndings("\n"), PipelineText.Explain(spec));
    }

    [Fact]
    public void Explain_shows_loops_branches_and_what_runs_at_the_exit()
    {
        var spec = Pipeline.Create("p", p =>
        {
            p.OnFailure(FailurePolicy.Continue);
            var mode = p.Parameter("mode", "full", ["full", "dry"], "How much to do.");
            var n = p.Parameter("n", 3, min: 1, max: 9);
            p.ForEach(new[] { "a", "b" }, item =>
            {
                var rows = p.Read.Csv(item);
                p.If(mode.Is("full") & n > 2, () => p.Train.Linear(rows, label: "y").Requires("gpu", 0.5));
            }, parallelism: 2, name: "each");
            p.OnExit(Notify);
        }).Spec;

        Assert.Equal($$$"""
            p  version {{{PipelineVersion.Of(spec)}}}
              --param mode  string, default "full", one of ["full","dry"]: How much to do.
              --param n  integer, default 3, 1 to 9
              a failure stops only what waits for it
            ├─ each  control.for-each
            │     {"items":["a","b"],"parallelism":2}
            │  ├─ rows  sql.read
            │  │     {"format":"csv","path":{"$item":"each"}}
            │  └─ linear  mlnet.linear
            │        data <- rows
            │        {"label":"y"}
            │        when mode == "full" and n > 2
            │        needs gpu 0.5
            └─ notify  code.call
                  {"assembly":"Gristmill.Cli.Tests","method":"Notify","type":"Gristmill.Cli.Shipping.PipelineTextTests ...
                  when the run is over, however it ended
            """.ReplaceLineEndings("\n"), PipelineText.Explain(spec));
    }

    private static void Notify(ExitStatus exit)
    {
    }
}
