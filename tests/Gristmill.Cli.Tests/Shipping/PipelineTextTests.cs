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
                  when best.score > {"$param":"least"}
            """.ReplaceLineEndings("\n"), PipelineText.Explain(spec));
    }
}
