using System.Collections.Immutable;
using Apache.Arrow;
using Gristmill.Engines;
using Gristmill.Hosting;

namespace Gristmill;

/// <summary>Loops, branches, checks, files, secrets and exits with real workers, and the same in one process.</summary>
public sealed class FlowPipelineTests
{
    [Fact]
    public async Task Everything_at_once_on_a_server_and_in_this_process()
    {
        await using var silo = await SiloProcess.StartAsync();
        var secrets = Directory.CreateDirectory(Path.Combine(silo.DataDirectory, "secrets")).FullName;
        await WriteSecretAsync(secrets);
        var csv = Parcels.WriteCsv(silo.Folder);

        Assert.Equal(0, await Mill.RunAsync(Create(csv), ["--cluster", silo.Http.BaseAddress!.AbsoluteUri], TestContext.Current.CancellationToken));

        var id = (await silo.Http.GetStringAsync(new Uri("/api/v1/runs", UriKind.Relative), TestContext.Current.CancellationToken)).Split("\"id\":\"")[1].Split('"')[0];
        var run = await silo.GetRunAsync(id);
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
        Assert.DoesNotContain("open-sesame!", GristmillJson.Serialize(run), StringComparison.Ordinal);

        // The same definition on a silo within this process: the same code decides.
        var folder = Directory.CreateTempSubdirectory("gristmill-flow-");
        try
        {
            await WriteSecretAsync(Directory.CreateDirectory(Path.Combine(folder.FullName, "secrets")).FullName);
            s_atExit = null;
            Assert.Equal(0, await Mill.RunAsync(Create(csv), ["--data", folder.FullName], TestContext.Current.CancellationToken));
            Assert.Equal("Succeeded 4000", s_atExit);
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
        await using var silo = await SiloProcess.StartAsync();
        var csv = Parcels.WriteCsv(silo.Folder);
        var cluster = new[] { "--cluster", silo.Http.BaseAddress!.AbsoluteUri };

        Assert.Equal(1, await Mill.RunAsync(Pipeline.Create("checked", p =>
        {
            var rows = p.Check(p.Read.Csv(csv), c => c.InRange("distance", 0, 10).Unique("carrier"));
            p.Run(Count, rows);
        }), cluster, TestContext.Current.CancellationToken));
        Assert.Equal(1, await Mill.RunAsync(Pipeline.Create("secretive", p => p.Run(PasswordLength, p.Secret("nobody.has-it"))), cluster, TestContext.Current.CancellationToken));

        var text = await silo.Http.GetStringAsync(new Uri("/api/v1/runs", UriKind.Relative), TestContext.Current.CancellationToken);
        var runs = text.Split("\"id\":\"").Skip(1).Select(static part => part.Split('"')[0]).ToList();
        var errors = new List<ErrorInfo>();
        foreach (var id in runs)
        {
            errors.Add((await silo.GetRunAsync(id)).Error!);
        }

        Assert.Contains(errors, static error => error.Code == ErrorCodes.CheckFailed && error.Message.Contains("range.distance", StringComparison.Ordinal)
            && error.Message.Contains("unique.carrier", StringComparison.Ordinal));
        Assert.Contains(errors, static error => error.Code == ErrorCodes.SecretMissing && error.Details["secret"] == "nobody.has-it");
    }

    private static volatile string? s_atExit;

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

    private static string[] Carriers(Dataset rows) =>
        [.. rows.Column("carrier").Cast<StringArray>().SelectMany(static names => Enumerable.Range(0, names.Length).Select(i => names.GetString(i))).Distinct().Order()];

    private static long Count(Dataset rows) => rows.Rows;

    private static double Total(IReadOnlyList<double> counts) => counts.Sum();

    private static FileInfo WriteNote(IReadOnlyList<string> carriers)
    {
        var file = new FileInfo(Path.Combine(Directory.CreateTempSubdirectory("gristmill-note-").FullName, "note.txt"));
        File.WriteAllText(file.FullName, string.Join(' ', carriers));
        return file;
    }

    private static string ReadNote(FileInput note) => note.ReadText();

    private static string PasswordLength(string password) => $"{password.Length}";

    private static string AtExit(ExitStatus exit, ImmutableDictionary<string, double>? total = null) => s_atExit = $"{exit.Status} {total?["value"]}";

    private static async Task WriteSecretAsync(string folder)
    {
        var path = Path.Combine(folder, "door");
        await File.WriteAllTextAsync(path, "open-sesame!\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
    }
}
