using Gristmill.Hosting;
using static Gristmill.FlowStages;

namespace Gristmill;

/// <summary>Loops, branches, checks, files, secrets, retries and exits with real workers, and the same in one process.</summary>
public sealed class FlowPipelineTests(FlowPipelineTests.Server server) : IClassFixture<FlowPipelineTests.Server>
{
    private SiloProcess Silo => server.Silo;

    [Fact]
    public async Task Everything_at_once_on_a_server_and_in_this_process()
    {
        var csv = server.Csv;
        var run = await RunAsync(Create(csv));
        var stages = run.Stages.ToDictionary(static stage => stage.Name);
        Assert.Equal("""["Arrow","Brisk","Snail"]""", stages["carriers"].Outputs["out"].Value!.Json);
        Assert.Equal(Parcels.Rows, Enumerable.Range(0, 3).Sum(i => stages[$"count[{i}]"].Outputs["metrics"].Metrics!["value"]));
        Assert.Equal(3, stages["carriers-again"].Outputs["metrics"].Metrics!["value"]);
        Assert.Equal(Parcels.Rows, stages["total"].Outputs["metrics"].Metrics!["value"]);
        Assert.Equal(StageStatus.Succeeded, stages["many"].Status);
        Assert.Equal(StageStatus.Skipped, stages["few"].Status);
        Assert.Equal("\"Arrow Brisk Snail\"", stages["read-note"].Outputs["out"].Value!.Json);
        Assert.Equal("\"Succeeded 4000\"", stages["at-exit"].Outputs["out"].Value!.Json);
        Assert.Equal("\"12\"", stages["password-length"].Outputs["out"].Value!.Json);
        Assert.DoesNotContain(Server.Password, GristmillJson.Serialize(run), StringComparison.Ordinal);

        // The same definition on a silo within this process: the same code decides.
        var folder = Directory.CreateTempSubdirectory("gristmill-flow-");
        try
        {
            await Server.WriteSecretAsync(folder.FullName);
            LastExit = null;
            Assert.Equal(0, await Mill.RunAsync(Create(csv), ["--data", folder.FullName], TestContext.Current.CancellationToken));
            Assert.Equal("Succeeded 4000", LastExit);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Rows_that_cannot_be_read_are_a_table_that_other_stages_take()
    {
        var folder = Directory.CreateTempSubdirectory("gristmill-bad-rows-");
        try
        {
            var csv = Path.Combine(folder.FullName, "sales.csv");
            await File.WriteAllTextAsync(csv, "day,amount\n1,2\n2\n3,4,5\n4,6\n", TestContext.Current.CancellationToken);
            var pipeline = Pipeline.Create("sales", p =>
            {
                var sales = p.Read.Csv(csv, BadRows.Quarantine);
                var lines = p.Sql($"select line from {sales.Bad}");
                p.Check(lines, c => c.RowsBetween(2, 2).InRange("line", 3, 4));
                p.Check(sales, c => c.RowsBetween(2, 2));
                p.Check(p.Sql($"select 1 as one where {sales.Metrics["badRows"]} = 2"), c => c.RowsBetween(1, 1));
            });

            Assert.Equal(0, await Mill.RunAsync(pipeline, ["--data", folder.FullName], TestContext.Current.CancellationToken));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task A_check_that_fails_and_a_secret_that_is_missing_are_named()
    {
        var csv = server.Csv;
        var error = (await RunAsync(Pipeline.Create("checked", p =>
        {
            var rows = p.Check(p.Read.Csv(csv), c => c.InRange("distance", 0, 10).Unique("carrier"));
            p.Run(Count, rows);
        }))).Error!;
        Assert.Equal((ErrorCodes.CheckFailed, "range.distance,unique.carrier"), (error.Code, error.Details["rules"]));

        error = (await RunAsync(Pipeline.Create("secretive", p => p.Run(PasswordLength, p.Secret("nobody.has-it"))))).Error!;
        Assert.Equal((ErrorCodes.SecretMissing, "nobody.has-it"), (error.Code, error.Details["secret"]));
    }

    [Fact]
    public async Task A_check_that_warns_lets_go_on_and_one_that_blocks_names_what_is_broken()
    {
        var run = await RunAsync(Pipeline.Create("wary", p =>
        {
            p.OnFailure(FailurePolicy.Continue);
            var rows = p.Sql($"select * from (values (date '2001-01-01', 1), (date '2001-01-02', 2)) as t(day, n)").Named("rows");
            var warned = p.Check(rows, c => c.Fresh("day", TimeSpan.FromDays(2)).Schema(("day", CheckColumn.Text), ("n", CheckColumn.Integer)).RowsBetween(1, 5), CheckAction.Warn).Named("warned");
            p.Run(Count, warned).Named("went-on");
            p.Run(Tell, warned.Findings, warned.Metrics["failedRules"], warned.Metrics["fresh.day"]).Named("told");
            p.Run(Count, p.Check(rows, c => c.Fresh("day", TimeSpan.FromDays(2))).Named("stale")).Named("no-stale");
            p.Run(Count, p.Check(rows, c => c.Schema(("day", CheckColumn.Date), ("price", CheckColumn.Number))).Named("unlike")).Named("no-unlike");
            p.Run(Count, p.Check(rows, c => c.Schema(("day", CheckColumn.Date), ("n", CheckColumn.Integer)).Fresh("day", TimeSpan.FromDays(100_000))).Named("sound")).Named("yes");
        }));

        var stages = run.Stages.ToDictionary(static stage => stage.Name);
        Assert.Equal("""["fresh.day: of column 'day' the newest, 2001-01-02T00:00:00Z, is older than 2.00:00:00","schema: column 'day' is date32, not text"]""",
            stages["warned"].Outputs["findings"].Value!.Json);
        Assert.Equal(2, stages["went-on"].Outputs["metrics"].Metrics!["value"]);
        Assert.StartsWith("\"2 1 fresh.day: of column 'day'", stages["told"].Outputs["out"].Value!.Json, StringComparison.Ordinal);
        foreach (var (check, rule) in ((string, string)[])[("stale", "fresh.day"), ("unlike", "schema")])
        {
            Assert.Equal((StageStatus.Failed, ErrorCodes.CheckFailed, rule), (stages[check].Status, stages[check].Error!.Code, stages[check].Error!.Details["rules"]));
            Assert.Contains($"failed: {rule}: ", stages[check].Error!.Message, StringComparison.Ordinal);
            Assert.Equal((StageStatus.Cancelled, $"stage '{check}', which it waits for, failed"), (stages[$"no-{check}"].Status, stages[$"no-{check}"].Reason));
        }

        Assert.Equal(2, stages["yes"].Outputs["metrics"].Metrics!["value"]);
    }

    [Fact]
    public async Task Only_the_errors_that_a_retry_names_are_retried_base_types_included()
    {
        var run = await RunAsync(Pipeline.Create("stubborn", p =>
        {
            p.OnFailure(FailurePolicy.Continue);
            p.Run(NoFile).Named("named").Retry(attempts: 2, backoff: TimeSpan.Zero, on: ["IOException"]);
            p.Run(BadArgument).Named("other").Retry(attempts: 2, backoff: TimeSpan.Zero, on: ["IOException"]);
            p.Run(BadArgument).Named("any").Retry(attempts: 3, backoff: TimeSpan.Zero);
        }));

        Assert.Equal([("named", 2), ("other", 1), ("any", 3)], run.Stages.Select(static stage => (stage.Name, stage.Attempts)));
        Assert.All(run.Stages, static stage => Assert.Equal((StageStatus.Failed, ErrorCodes.StageFailed), (stage.Status, stage.Error!.Code)));
        Assert.Contains("FileNotFoundException: no such parcel", run.Stages[0].Error!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_secret_is_in_no_log_error_or_tag()
    {
        var pipeline = Pipeline.Create("loose-tongue", p => p.Run(Blab, p.Secret("door")).Named("blab"));
        var run = await RunAsync(pipeline);

        Assert.Equal((RunStatus.Failed, ErrorCodes.StageFailed), (run.Status, run.Error!.Code));
        Assert.Contains("InvalidOperationException: threw ***", run.Error.Message, StringComparison.Ordinal);
        Assert.Equal("***", run.Tags!["key"]);
        var log = await Silo.GetAsync<LogPage>($"/api/v1/runs/{run.Id}/stages/blab/logs");
        Assert.Equal("printed ***\n", log.Text);
        Assert.DoesNotContain(Server.Password, GristmillJson.Serialize(run), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Parts_that_are_used_again_and_branches_of_several_run()
    {
        var csv = server.Csv;
        var cleaning = Pipeline.Create("cleaning", p =>
        {
            var least = p.Parameter("least", 0.0);
            var raw = p.Read.Csv("/nowhere.csv").Named("raw");
            var rows = p.Sql($"select * from {raw} where distance >= {least}").Named("rows");
            p.Run(Count, rows).Named("count").Cache(CachePolicy.Off);
        });
        var pipeline = Pipeline.Create("reuse", p =>
        {
            p.OnFailure(FailurePolicy.Continue);
            var raw = p.Read.Csv(csv).Named("raw");
            var all = p.Include(cleaning, "all", with => with.Replace("raw", raw));
            var none = p.Include(cleaning, "none", with => with.Set("least", 1e9).Replace("raw", raw));
            var (some, other) = (p.Group("some", () => Carrier(p, raw, "Snail")), p.Group("other", () => Carrier(p, raw, "Arrow")));
            var (allRows, noRows) = (all.Metrics("count")["value"], none.Metrics("count")["value"]);
            p.Run(Add, allRows, noRows, some.Metrics["value"], other.Metrics["value"]).Named("sum");

            p.If(noRows > 0, () => p.Run(Word, "if").Named("if"))
                .ElseIf(allRows > Parcels.Rows - 1, () => p.Run(Word, "else-if").Named("else-if"))
                .Else(() => p.Run(Word, "else").Named("else"));
            Table chosen = p.Choose(noRows > 0, () => p.Sql($"select 1 as n").Named("first"))
                .ElseIf(allRows > 0, () => p.Sql($"select 2 as n union all select 3").Named("second"))
                .Else(() => p.Sql($"select 4 as n").Named("third"));
            p.Run(Count, chosen).Named("chosen");

            var broken = p.Run(NoFile).Named("broken");
            p.Run(Optional, broken.Value).Named("anyway").IgnoreUpstreamFailure();
            p.Run(Optional, broken.Value).Named("not-without");
        });

        var run = await RunAsync(pipeline);
        var stages = run.Stages.ToDictionary(static stage => stage.Name);
        Assert.Equal((RunStatus.Failed, "broken"), (run.Status, run.Error!.Details["stage"]));
        Assert.Equal((Parcels.Rows, 0.0), (Value("all.count"), Value("none.count")));
        Assert.True(Value("some.count") is > 0 and < Parcels.Rows);
        Assert.Equal(Parcels.Rows + Value("some.count") + Value("other.count"), Value("sum"));

        Assert.Equal((StageStatus.Skipped, StageStatus.Succeeded, StageStatus.Skipped), (stages["if"].Status, stages["else-if"].Status, stages["else"].Status));
        Assert.Equal("\"else-if\"", stages["else-if"].Outputs["out"].Value!.Json);
        Assert.Equal((StageStatus.Skipped, StageStatus.Succeeded, StageStatus.Skipped), (stages["first"].Status, stages["second"].Status, stages["third"].Status));
        Assert.Equal(2, Value("chosen"));

        Assert.Equal("\" or nothing\"", stages["anyway"].Outputs["out"].Value!.Json);
        Assert.Equal(StageStatus.Cancelled, stages["not-without"].Status);

        // Its cache policy came along, so the included count is never taken over; the same stage without one is.
        stages = (await RunAsync(pipeline)).Stages.ToDictionary(static stage => stage.Name);
        Assert.Null(stages["all.count"].CachedFrom);
        Assert.NotNull(stages["some.count"].CachedFrom);

        double Value(string stage) => stages[stage].Outputs["metrics"].Metrics!["value"];
    }

    private static CodeStage Carrier(PipelineBuilder p, Table raw, string carrier) =>
        p.Run(Count, p.Sql($"select * from {raw} where carrier = {carrier}").Named("rows")).Named("count");

    private async Task<RunView> RunAsync(Pipeline pipeline)
    {
        var exit = await Mill.RunAsync(pipeline, ["--cluster", Silo.Http.BaseAddress!.AbsoluteUri], TestContext.Current.CancellationToken);
        var run = await Silo.GetRunAsync((await Silo.GetAsync<RunRecord[]>($"/api/v1/runs?pipeline={pipeline.Name}&limit=1"))[0].Id);
        Assert.Equal(exit == 0, run.Status == RunStatus.Succeeded);
        return run;
    }

    private static Pipeline Create(string csv) => Pipeline.Create("everything", p =>
    {
        var raw = p.Read.Csv(csv);
        var rows = p.Check(raw, c => c.RowsBetween(1, null).NotNull("carrier"));
        var carriers = p.Run(Carriers, rows).Named("carriers");
        var counts = p.ForEach(carriers.List<string>(), carrier =>
        {
            var some = p.Sql($"select * from {rows} where carrier = {carrier}").Named("some");
            return p.Run(Count, some).Named("count").Metrics["value"];
        }, parallelism: 2);
        var parts = p.ForEach(carriers.List<string>(), carrier => p.Sql($"select * from {rows} where carrier = {carrier}").Named("part"));
        var joined = p.Sql($"select carrier, count(*) as n from {parts} group by all").Named("joined");
        p.Run(Count, joined).Named("carriers-again");
        var total = p.Run(Total, counts).Named("total");
        p.If(total.Value > 1000, () => p.Run(Count, rows).Named("many")).Else(() => p.Run(Count, rows).Named("few"));
        var note = p.Run(WriteNote, carriers.Value).Named("note");
        p.Run(ReadNote, note.File).Named("read-note");
        p.Run(PasswordLength, p.Secret("door")).Named("password-length");
        p.OnExit(AtExit, total.Metrics).Named("at-exit");
    });

    /// <summary>A silo for all tests of the class, with a secret and a table.</summary>
    public sealed class Server : IAsyncLifetime
    {
        internal const string Password = "open-sesame!";

        public SiloProcess Silo { get; private set; } = null!;

        public string Csv { get; private set; } = "";

        public async ValueTask InitializeAsync()
        {
            Silo = await SiloProcess.StartAsync();
            await WriteSecretAsync(Silo.DataDirectory);
            Csv = Parcels.WriteCsv(Silo.Folder);
        }

        public ValueTask DisposeAsync() => Silo.DisposeAsync();

        internal static async Task WriteSecretAsync(string data)
        {
            var path = Path.Combine(Directory.CreateDirectory(Path.Combine(data, "secrets")).FullName, "door");
            await File.WriteAllTextAsync(path, Password + "\n");
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            }
        }
    }
}
