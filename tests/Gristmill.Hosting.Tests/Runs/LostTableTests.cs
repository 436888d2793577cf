namespace Gristmill.Hosting.Runs;

/// <summary>Somebody deletes or damages a table of a run that still needs it.</summary>
public sealed class LostTableTests
{
    [Theory, InlineData(true), InlineData(false)]
    public async Task It_is_made_again_and_the_run_succeeds(bool deleted)
    {
        await using var silo = await SiloProcess.StartAsync();
        var open = Path.Combine(silo.Folder, "open");
        await silo.RegisterAsync(Pipeline.Create("again", p =>
        {
            var rows = p.Sql($"select range as n from range(1000000)").Named("rows");
            var gate = p.Run(SiloStages.Talk, open).Named("gate");
            p.Sql($"select sum(n)::bigint as total from {rows}").Named("total").After(gate);
        }));
        var id = await silo.StartRunAsync("again");
        var made = await silo.FollowAsync(id, static change => change.Stage is { Name: "rows", Status: StageStatus.Succeeded });
        var first = made.Stage!.Outputs["out"].Dataset!;
        var file = Path.Combine(silo.ObjectDirectory, first.Id + ".arrow");
        if (deleted)
        {
            File.Delete(file);
        }
        else
        {
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            }

            await using var bytes = new FileStream(file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
            bytes.Seek(-64, SeekOrigin.End);
            await bytes.WriteAsync(new byte[64], TestContext.Current.CancellationToken);
        }

        await File.WriteAllTextAsync(open, "", TestContext.Current.CancellationToken);
        var run = await silo.FinishAsync(id);
        Assert.True(run.Status == RunStatus.Succeeded, $"{run.Error?.Code} {run.Error?.Message}\n{silo.Log}");
        Assert.Equal((2, 1, 2), (Attempts("rows"), Attempts("gate"), Attempts("total")));
        Assert.Equal(1, run.Retries);
        Assert.False(File.Exists(file));
        Assert.NotEqual(first.Id, run.Stages.Single(static stage => stage.Name == "rows").Outputs["out"].Dataset!.Id);
        Assert.Equal(first.Checksum, run.Stages.Single(static stage => stage.Name == "rows").Outputs["out"].Dataset!.Checksum);

        int Attempts(string name) => run.Stages.Single(stage => stage.Name == name).Attempts;
    }
}
