using System.Net;

namespace Gristmill.Hosting;

/// <summary>The disk of the data folder fills up under a running silo: runs fail and say why, the silo stays, and works on once there is space.</summary>
public sealed class FullDiskTests
{
    [Fact]
    public async Task Where_the_state_finds_no_place_the_run_fails_and_the_next_one_with_space_works()
    {
        using var disk = SmallDisk.Mount();
        await using var silo = await SiloProcess.StartAsync($"--Gristmill:DataDirectory={disk.Folder}");
        var pipeline = Trips.Pipeline(Trips.WriteCsv(silo.Folder));
        await silo.RegisterAsync(pipeline);

        // Room for the run's beginning, not for all of its stages.
        disk.Fill(leave: 96 << 10);
        var id = await silo.StartRunAsync(pipeline.Name);
        // It may have failed before somebody watches: then the run as it stands tells so.
        AssertFull(Failed(await silo.FollowAsync(id, change => Failed(change) is not null))!.Error!);
        await AssertStandsAsync(silo);

        // Nothing at all is left: a new run is refused at once, or it fails like the first.
        disk.Fill(leave: 0);
        using var refused = await silo.Http.PostAsync(new Uri("/api/v1/pipelines/trips/runs", UriKind.Relative), SiloProcess.Json(new RunRequest()), TestContext.Current.CancellationToken);
        await EndToEndTests.AssertProblemAsync(refused, (HttpStatusCode)507, ErrorCodes.StoreFull, "full");
        await AssertStandsAsync(silo);

        // The failed run's end was held back for space, not lost.
        disk.Free();
        var ended = await silo.FinishAsync(id);
        Assert.Equal(RunStatus.Failed, ended.Status);
        AssertFull(ended.Error!);
        await AssertWorksAsync(silo, pipeline);
    }

    [Fact]
    public async Task Where_a_model_finds_no_place_the_run_fails_and_leaves_nothing_of_it()
    {
        using var disk = SmallDisk.Mount();
        await using var silo = await SiloProcess.StartAsync($"--Gristmill:DataDirectory={disk.Folder}");
        var large = Path.Combine(silo.Folder, "large.onnx");
        await File.WriteAllBytesAsync(large, new byte[4 << 20], TestContext.Current.CancellationToken);

        // The state fits well into what is left, the file does not.
        disk.Fill(leave: 2 << 20);
        var run = await silo.RunAsync(Pipeline.Create("large", p => p.Register("large", p.ImportOnnx(large))));

        Assert.Equal(RunStatus.Failed, run.Status);
        AssertFull(run.Error!);
        Assert.DoesNotContain(Directory.GetFiles(Path.Combine(disk.Folder, "content"), "*", SearchOption.AllDirectories), file => file.EndsWith(".onnx", StringComparison.Ordinal));
        await AssertStandsAsync(silo);
        disk.Free();
        await AssertWorksAsync(silo, Trips.Pipeline(Trips.WriteCsv(silo.Folder)));
    }

    private static StageView? Failed(RunEvent change) =>
        (change.Run?.Stages ?? []).Append(change.Stage).FirstOrDefault(static stage => stage?.Status == StageStatus.Failed);

    private static void AssertFull(ErrorInfo error)
    {
        Assert.True(error.Code == ErrorCodes.StoreFull, $"{error.Code}: {error.Message}");
        Assert.Contains("space", error.Hint + error.Message, StringComparison.OrdinalIgnoreCase);
    }

    private static async Task AssertStandsAsync(SiloProcess silo)
    {
        foreach (var path in (string[])["/health/live", "/health/ready", "/api/v1/runs"])
        {
            using var answer = await silo.Http.GetAsync(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken);
            Assert.True(answer.IsSuccessStatusCode, $"{path}: {answer.StatusCode}\n{silo.Log}");
        }
    }

    private static async Task AssertWorksAsync(SiloProcess silo, Pipeline pipeline)
    {
        var run = await silo.RunAsync(pipeline);
        Assert.True(run.Status == RunStatus.Succeeded, $"{run.Error?.Code} {run.Error?.Message}\n{silo.Log}");
    }
}
