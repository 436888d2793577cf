using System.Collections.Immutable;
using System.Text.Json;

namespace Gristmill.Client.Pipelines;

/// <summary>What control flow in C# compiles to.</summary>
public sealed class FlowTests
{
    private static readonly ObjectRef Nothing = new("0", "0", 0, 0, "here");

    private sealed record Route(string Origin, int Flights);

    private static ObjectRef Clean(ObjectRef rows) => rows;

    private static string Colour(ObjectRef rows) => "red";

    private static IReadOnlyList<string> List(ObjectRef rows) => [];

    private static Route[] Routes(ObjectRef rows) => [];

    private static ModelRef Train(ObjectRef rows, string route, int index = 0) => new("0", "torch", 0);

    private static double Score(ModelRef model, ObjectRef rows) => 1;

    private static ModelRef Pick(IReadOnlyList<ModelRef> models, double[] scores) => models[0];

    private static void Report(ExitStatus exit, ObjectRef? rows = null)
    {
    }

    private static void Needs(ObjectRef rows)
    {
    }

    private static FileInfo Write(string password, FileRef? template = null) => new("x");

    [Fact]
    public void Branches_become_conditions_that_exclude_each_other()
    {
        var spec = Compile(p =>
        {
            var n = p.Parameter("n", 5);
            var rows = p.Read.Csv("/a");
            var colour = p.Run(Colour, rows);
            p.If(n > 3, () => p.Run(Needs, rows).Named("many"))
                .ElseIf(colour.Value.Is("red"), () =>
                {
                    p.If(!colour.Value.IsNot("red") | n.Is(1), () => p.Run(Needs, rows).Named("inner"));
                })
                .Else(() => p.Run(Needs, rows).Named("few"));
        });

        var red = new ConditionSpec(Operator: "==", Value: "\"red\"") { Left = """{"$value":{"stage":"colour","output":"out"}}""" };
        Assert.Equal("n > 3", Text(spec, "many"));
        Assert.Equal("""not (n > 3) and colour.out == "red" and (not (colour.out != "red") or n == 1)""", Text(spec, "inner"));
        Assert.Equal("""not (n > 3) and not (colour.out == "red")""", Text(spec, "few"));
        Assert.Equal(red, Stage(spec, "few").When!.All!.Value[1].Not);
        Assert.Equal(["colour"], Stage(spec, "few").After);

        static string Text(PipelineSpec spec, string stage) => ConditionLogic.Text(Stage(spec, stage).When!);
    }

    [Fact]
    public void Branches_that_make_something_join()
    {
        var spec = Compile(p =>
        {
            var rows = p.Read.Csv("/a");
            var best = p.Best(Metric.Auc, over: rows, among: [p.Train.Linear(rows, label: "y")]);
            Model model = p.Choose(best.Score > 0.7, () => p.Run(Train, rows, "a").Model).Else(() => p.Run(Train, rows, "b").Model);
            p.Register("m", model);
            var later = p.OneOf(rows, p.Read.Csv("/b"));
            p.Run(Needs, later);
        });

        var join = spec.Stages.First(static s => s.Operation == StageOperations.OneOf);
        Assert.Equal([new OutputRef("train"), new OutputRef("train-2")], [join.Inputs["0"], join.Inputs["1"]]);
        Assert.Equal(join.Name, Stage(spec, "register").Inputs["model"].Stage);
    }

    [Fact]
    public void A_loop_has_a_body_and_its_handles_are_lists_outside()
    {
        var spec = Compile(p =>
        {
            var rows = p.Read.Csv("/a");
            var names = p.Run(List, rows).List<string>();
            var (models, scores) = p.ForEach(names, name =>
            {
                var model = p.Run(Train, rows, name, name.Index).Named("model").Model;
                return (model, p.Run(Score, model, rows).Metrics["value"]);
            }, parallelism: 4, allowFailures: 0.1);
            p.Run(Pick, models, scores);
        });

        var loop = spec.Stages.Single(static s => s.Operation == StageOperations.ForEach);
        Assert.Equal("each-names", loop.Name);
        Assert.Equal("""{"allowFailures":0.1,"items":{"$value":{"output":"out","stage":"list"}},"parallelism":4}""", loop.Options);
        Assert.Equal([null, null, null, "each-names", "each-names", null], spec.Stages.Select(static s => s.Loop));
        Assert.Equal("""{"index":{"$index":"each-names"},"route":{"$item":"each-names"}}""",
            JsonDocument.Parse(Stage(spec, "model").Options).RootElement.GetProperty("arguments").GetRawText());
        Assert.Equal(new OutputRef("model"), Stage(spec, "pick").Inputs["models"]);
        Assert.Equal(new OutputRef("score", "metrics") { Metric = "value" }, Stage(spec, "pick").Inputs["scores"]);
    }

    [Fact]
    public void Loops_go_over_literals_parameters_and_members_of_items()
    {
        var spec = Compile(p =>
        {
            var cities = p.Parameter("cities", new[] { "a", "b" });
            p.ForEach(cities, city => p.Sql($"select {city} as city"));
            p.ForEach(new[] { new Route("x", 1) }, route => p.Run(Train, p.Read.Csv("/a"), route.Get(r => r.Origin)).When(route.Get(r => r.Flights) > 0), name: "routes");
        });

        Assert.Equal(new ParameterSpec("cities", ParameterType.StringList, """["a","b"]"""), spec.Parameters.Single());
        Assert.Equal("""{"items":{"$param":"cities"}}""", Stage(spec, "each-cities").Options);
        Assert.Equal("""{"query":"select $city as city","values":{"city":{"$item":"each-cities"}}}""", Stage(spec, "sql").Options);
        Assert.Equal("""{"items":[{"flights":1,"origin":"x"}]}""", Stage(spec, "routes").Options);
        Assert.Equal("routes.flights > 0", ConditionLogic.Text(Stage(spec, "train").When!));
    }

    [Fact]
    public void Failures_exits_retries_and_resources_are_kept()
    {
        var spec = Compile(p =>
        {
            p.OnExit(Report, p.Read.Csv("/a"));
            p.OnFailure(FailurePolicy.Continue);
            var rows = p.Read.Csv("/b");
            p.Run(Report2, rows).Named("anyway").IgnoreUpstreamFailure();
            p.Run(Needs, rows).Retry(5, TimeSpan.FromSeconds(1), factor: 3, maxBackoff: TimeSpan.FromMinutes(1), jitter: 0.2, on: ["timeout", "IOException"]).Requires("gpu", 0.5);
        });

        Assert.Equal(FailurePolicy.Continue, spec.OnFailure);
        Assert.Equal("report", spec.Stages[^1].Name);
        Assert.True(spec.Stages[^1].OnExit);
        Assert.True(Stage(spec, "anyway").IgnoreUpstreamFailure);
        var retry = Stage(spec, "needs").Retry;
        Assert.Equal((5, 3.0, TimeSpan.FromMinutes(1), 0.2), (retry.MaxAttempts, retry.Factor, retry.MaxBackoff, retry.Jitter));
        Assert.Equal(["timeout", "IOException"], retry.On!.Value);
        Assert.Equal(500, Stage(spec, "needs").Resources!["gpu"]);
    }

    private static void Report2(ObjectRef? rows)
    {
    }

    [Fact]
    public void Secrets_and_files_are_arguments_by_name()
    {
        var spec = Compile(p =>
        {
            var template = p.ImportFile("/a.txt").Named("template");
            StageFile written = p.Run(Write, p.Secret("warehouse-password"), template).Named("written");
            p.Run(Write, "x", written).Named("again");
        });

        Assert.Equal("""{"password":{"$secret":"warehouse-password"}}""", JsonDocument.Parse(Stage(spec, "written").Options).RootElement.GetProperty("arguments").GetRawText());
        Assert.Equal(new OutputRef("template"), Stage(spec, "written").Inputs["template"]);
        Assert.Equal(new OutputRef("written"), Stage(spec, "again").Inputs["template"]);
    }

    [Fact]
    public void A_check_stands_between_a_table_and_what_takes_it()
    {
        var spec = Compile(p =>
        {
            var rows = p.Read.Csv("/a");
            var good = p.Check(rows, c => c.RowsBetween(1, null).NotNull("date").InRange("distance", 0, 6000).Unique("id", "day")
                .Fresh("date", TimeSpan.FromDays(2)).Schema(("date", CheckColumn.Timestamp)), CheckAction.Warn);
            p.Run(Needs, good);
            p.Sql($"select * from {good} where 'x' in {good.Findings}").Named("query");
            p.If(good.Metrics["failedRules"].Is(0), () => p.Run(Clean, good));
        });

        Assert.Equal("sql.check", Stage(spec, "good").Operation);
        Assert.Equal(new OutputRef("good"), Stage(spec, "needs").Inputs["rows"]);
        Assert.Equal(new OutputRef("good"), Stage(spec, "query").Inputs["good"]);
        Assert.Equal("""
            {"action":"warn","rules":[{"kind":"rows","min":1},{"column":"date","kind":"notNull"},{"column":"distance","kind":"range","max":6000,"min":0},{"columns":["id","day"],"kind":"unique"},{"column":"date","kind":"fresh","maxAge":"2.00:00:00"},{"kind":"schema","schema":{"date":"timestamp"}}]}
            """.Trim(), Stage(spec, "good").Options);
    }

    [Fact]
    public void Another_pipeline_is_included_under_a_prefix()
    {
        var other = Pipeline.Create("other", p =>
        {
            var least = p.Parameter("least", 1.0);
            var must = p.Parameter<string>("must");
            var raw = p.Read.Csv("/raw");
            var rows = p.Sql($"select * from {raw} where x > {least} and y = {must}");
            var count = p.Run(Count, rows);
            p.Train.Linear(rows, label: "y").Named("model").When(count.Metrics["value"] > least);
            p.ForEach(new[] { 1, 2 }, item => p.Sql($"select {item} as i from {rows}").Named("each-row"), name: "loop");
        });

        var spec = Compile(p =>
        {
            var mine = p.Read.Csv("/mine").Named("mine");
            var n = p.Parameter("n", 7.0);
            var sub = p.Include(other, "sub", with => with.Set<double>("least", n).Set<string>("must", "z").Replace("raw", mine));
            p.Register("m", sub.Model("model"));
        });

        Assert.Equal(["mine", "sub.rows", "sub.count", "sub.model", "sub.loop", "sub.each-row", "register"], spec.Stages.Select(static s => s.Name));
        Assert.Equal(new OutputRef("mine"), Stage(spec, "sub.rows").Inputs["raw"]);
        Assert.Contains("""{"least":{"$param":"n"},"must":"z"}""", Stage(spec, "sub.rows").Options, StringComparison.Ordinal);
        Assert.Equal(new ConditionSpec("sub.count", "value", ">", """{"$param":"n"}"""), Stage(spec, "sub.model").When);
        Assert.Equal("sub.loop", Stage(spec, "sub.each-row").Loop);
        Assert.Equal(new OutputRef("sub.model"), Stage(spec, "register").Inputs["model"]);

        Refused("'must'", p => p.Include(other));
        Refused("no parameter 'x'", p => p.Include(other, with: with => with.Set<int>("x", 1)));
        Refused("no stage 'nowhere'", p => p.Include(other, with: with => with.Set<string>("must", "z")).Table("nowhere"));
    }

    [Fact]
    public void What_is_included_keeps_all_that_neither_names_nor_connects_it()
    {
        var other = Pipeline.Create("other", p =>
        {
            p.On.Cron("0 6 * * *");
            p.OnFailure(FailurePolicy.Continue);
            var rows = p.Read.Csv("/a").Cache(CachePolicy.Off);
            p.Run(Report2, rows).Named("report").IgnoreUpstreamFailure().Cache(CachePolicy.On, TimeSpan.FromHours(1)).Requires("gpu").Requires("licence", 2)
                .Retry(4, jitter: 0.5, on: ["timeout"]).With(timeout: TimeSpan.FromMinutes(1), memoryMiB: 9, threads: 2, heartbeatTimeout: TimeSpan.FromMinutes(2));
            p.OnExit(Report, rows).Named("exit");
        });

        var spec = Compile(p =>
        {
            p.Include(other);
            p.OnFailure(FailurePolicy.FailFast);
        });

        Assert.Equal(3, spec.Stages.Length);
        foreach (var stage in other.Spec.Stages)
        {
            // Every member of a stage, also one that is added to it later.
            var expected = stage with { Name = "other." + stage.Name, Inputs = stage.Inputs.ToImmutableDictionary(static i => i.Key, static i => i.Value with { Stage = "other." + i.Value.Stage }) };
            Assert.Equal(GristmillJson.Serialize(expected), GristmillJson.Serialize(Stage(spec, expected.Name)));
        }

        Assert.Equal(FailurePolicy.FailFast, spec.OnFailure);
        Assert.Null(spec.Triggers);
        Refused("'other' says what a failed stage means", p => p.Include(other));
    }

    private static double Count(ObjectRef rows) => 1;

    [Fact]
    public void A_group_names_what_is_in_it()
    {
        static Table Part(PipelineBuilder p, Table rows) => p.Sql($"select * from {rows}");

        var spec = Compile(p =>
        {
            var rows = p.Read.Csv("/a");
            var first = p.Group("first", () => Part(p, rows));
            p.Group("second", () => Part(p, first).Named("x"));
        });

        Assert.Equal(["rows", "first.rows", "second.x"], spec.Stages.Select(static s => s.Name));
    }

    [Fact]
    public void What_cannot_work_is_refused_at_definition()
    {
        Refused("makes one thing for each item", p =>
        {
            var model = p.ForEach(new[] { "a" }, item => p.Run(Train, p.Read.Csv("/a"), item).Model);
            p.Run(Score, model, p.Read.Csv("/b"));
        });
        Refused("it takes one thing", p =>
        {
            var model = p.ForEach(new[] { "a" }, item => p.Run(Train, p.Read.Csv("/a"), item).Model);
            p.Register("m", model);
        });
        Refused("has one for each item", p =>
        {
            var score = p.ForEach(new[] { "a" }, item => p.Evaluate(p.Run(Train, p.Read.Csv("/a"), item).Model, over: p.Read.Csv("/b"))["auc"]);
            p.If(score > 1, () => p.Read.Csv("/c"));
        });
        Refused("adds no stages", p => p.ForEach(new[] { "a" }, _ => { }));
        Refused("parallelism -1", p => p.ForEach(new[] { "a" }, item => p.Sql($"select {item}"), parallelism: -1));
        Refused("may have nothing to take", p => p.Run(Needs, p.Read.Csv("/a")).IgnoreUpstreamFailure());
        Refused("may have nothing to take", p => p.OnExit(Needs, p.Read.Csv("/a")));
        Refused("a run ends once", p => p.ForEach(new[] { "a" }, _ => p.OnExit(Report)));
        Refused("a secret is a text", p => p.Run(Count2, p.Secret("s")));
        Refused("is used as a list of Int32", p => p.ForEach(p.Run(List, p.Read.Csv("/a")).List<int>(), item => p.Sql($"select {item}")));
        Refused("no member of the item", p => p.ForEach(new[] { new Route("x", 1) }, route => p.Sql($"select {route.Get(r => r.Flights + 1)}")));
        Refused("0 is not from 1 to 9", p => { p.Parameter("n", 0, min: 1, max: 9); p.Read.Csv("/a"); });
        Refused("no rules", p => p.Check(p.Read.Csv("/a"), c => c));
        Refused("which the stage is not in", p =>
        {
            LoopItem<string>? kept = null;
            p.ForEach(new[] { "a" }, item => { kept = item; p.Sql($"select {item}"); });
            p.Sql($"select {kept!}");
        });
    }

    private static void Count2(int n)
    {
    }

    private static void Refused(string named, Action<PipelineBuilder> define)
    {
        var error = Assert.Throws<GristmillException>(() => Pipeline.Create("p", define));
        Assert.Equal(ErrorCodes.Invalid, error.Code);
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    private static PipelineSpec Compile(Action<PipelineBuilder> define) => Pipeline.Create("p", define).Spec;

    private static StageSpec Stage(PipelineSpec spec, string name) => spec.Stages.Single(s => s.Name == name);
}
