using System.Collections.Immutable;
using System.Text.Json;

namespace Gristmill.Client.Pipelines;

public sealed class CodeStageTests
{
    private static readonly ObjectRef Nothing = new("0", "0", 0, 0, "here");

    private static ModelRef TrainMlp(ObjectRef train, int epochs, double rate = 0.1, CancellationToken cancellationToken = default) => new("0", "torch", 0);

    private static Task<ObjectRef> CleanAsync(ObjectRef rows, IProgress<StageProgress> progress, string[] drop) => Task.FromResult(Nothing);

    private static (ObjectRef Early, ObjectRef Late) Halves(ObjectRef rows) => (Nothing, Nothing);

    private static double Count(ObjectRef rows) => 1;

    private static ImmutableDictionary<string, double> Compare(ModelRef a, ImmutableDictionary<string, double> b) => b;

    private static T Generic<T>(T value) => value;

    private ObjectRef Instance(ObjectRef rows) => rows with { Host = ToString()! };

    [Fact]
    public void A_method_group_is_a_stage()
    {
        var pipeline = Pipeline.Create("p", p =>
        {
            var epochs = p.Parameter("epochs", 4);
            var train = p.Read.Csv("/a");
            var clean = p.Run(CleanAsync, train, new[] { "x" });
            var mlp = p.Run(TrainMlp, clean, epochs);
            var best = p.Best(Metric.Auc, over: train, among: [mlp, p.Train.Linear(clean, label: "y")]);
            p.Run(Compare, best, p.Evaluate(mlp, over: train));
        });

        Assert.Equal(["train", "clean", "mlp", "linear", "best", "evaluate-mlp", "compare"], pipeline.Spec.Stages.Select(s => s.Name));
        var call = GristmillJson.Deserialize<CodeCallOptions>(pipeline.Spec.Stages[2].Options);
        Assert.Equal((typeof(CodeStageTests).FullName, "TrainMlp"), (call.Type, call.Method));
        Assert.Equal("epochs", call.Arguments["epochs"].GetProperty("$param").GetString());
        Assert.Equal(new OutputRef("clean"), pipeline.Spec.Stages[2].Inputs["train"]);
        Assert.Equal(new OutputRef("evaluate-mlp", "metrics"), pipeline.Spec.Stages[6].Inputs["b"]);
        Assert.Equal(typeof(CodeStageTests).Assembly, pipeline.Code);
    }

    [Fact]
    public void A_lambda_that_captures_nothing_is_a_stage()
    {
        var stage = Pipeline.Create("p", p => p.Run((ObjectRef rows) => rows, p.Read.Csv("/a"))).Spec.Stages[1];

        Assert.Equal("run", stage.Name);
        var call = GristmillJson.Deserialize<CodeCallOptions>(stage.Options);
        var method = typeof(CodeStageTests).Assembly.GetType(call.Type)!.GetMethod(call.Method,
            System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.NonPublic);
        Assert.NotNull(method);
    }

    [Fact]
    public void A_local_function_has_its_own_name()
    {
        static ObjectRef DropNulls(ObjectRef rows) => rows;

        Assert.Equal("drop-nulls", Pipeline.Create("p", p => p.Run(DropNulls, p.Read.Csv("/a"))).Spec.Stages[1].Name);
    }

    [Fact]
    public void A_tuple_deconstructs_by_its_names()
    {
        var spec = Pipeline.Create("p", p =>
        {
            var (early, late) = p.Run(Halves, p.Read.Csv("/a"));
            p.Sql($"select * from {early} union all select * from {late}");
        }).Spec;

        Assert.Equal(["early", "late"], GristmillJson.Deserialize<CodeCallOptions>(spec.Stages[1].Options).Outputs!.Value);
        Assert.Equal(new OutputRef("halves", "early"), spec.Stages[2].Inputs["early"]);
        Assert.Equal(new OutputRef("halves", "late"), spec.Stages[2].Inputs["late"]);
    }

    [Fact]
    public void A_number_is_a_metric_called_value()
    {
        var spec = Pipeline.Create("p", p =>
        {
            var rows = p.Read.Csv("/a");
            var enough = p.Run(Count, rows);
            p.Train.Linear(rows, label: "y").When(enough.Metrics["value"] >= 10);
        }).Spec;

        Assert.Equal(new ConditionSpec("count", "value", ">=", "10"), spec.Stages[2].When);
    }

    [Fact]
    public void What_a_lambda_captures_is_named()
    {
        var factor = 3;
        var error = Assert.Throws<GristmillException>(() =>
            Pipeline.Create("p", p => p.Run((ObjectRef rows) => rows with { Rows = rows.Rows * factor }, p.Read.Csv("/a"))));

        Assert.Contains("factor", error.Message);
        Assert.Equal("factor", error.Error.Details["captured"]);
    }

    [Fact]
    public void Calls_that_cannot_work_are_refused_at_definition()
    {
        Refused("instance method", p => p.Run(Instance, p.Read.Csv("/a")));
        Refused("generic", p => p.Run(Generic<int>, 1));
        Refused("'epochs'", p => p.Run(TrainMlp, p.Read.Csv("/a")));
        Refused("takes 1", p => p.Run(Count, p.Read.Csv("/a"), 5));
        Refused("Int32", p => p.Run(TrainMlp, p.Read.Csv("/a"), "four"));
        Refused("a table was given", p => p.Run(Compare, p.Read.Csv("/a"), p.Read.Csv("/b")));
        Refused("takes a table", p => p.Run(Count, 5));
        Refused("used as a model", p => p.Evaluate(p.Run(Halves, p.Read.Csv("/a")), over: p.Read.Csv("/b")));
        Refused("into 2", p => { var (_, _) = p.Run(Count, p.Read.Csv("/a")); });

        static void Refused(string named, Action<PipelineBuilder> define)
        {
            var error = Assert.Throws<GristmillException>(() => Pipeline.Create("p", define));
            Assert.Equal(ErrorCodes.Invalid, error.Code);
            Assert.Contains(named, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_literal_goes_as_json()
    {
        var stage = Pipeline.Create("p", p => p.Run(TrainMlp, p.Read.Csv("/a"), 4, 0.5)).Spec.Stages[1];

        var arguments = JsonDocument.Parse(stage.Options).RootElement.GetProperty("arguments");
        Assert.Equal("""{"epochs":4,"rate":0.5}""", arguments.GetRawText());
    }
}
