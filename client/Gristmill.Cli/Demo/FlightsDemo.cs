using System.Diagnostics;
using System.Text.Encodings.Web;
using System.Text.Json;
using Gristmill.Cli.Infrastructure;
using Gristmill.Client;
using Gristmill.Display;

namespace Gristmill.Cli.Demo;

/// <summary>The flights sample end to end: silo, run, deployment, requests, report.</summary>
internal sealed class FlightsDemo(CliContext context, DemoOptions options)
{
    private const string Model = "flight-delay";

    private static readonly JsonSerializerOptions OneLine = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Stopwatch _clock = Stopwatch.StartNew();

    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        var sample = Path.Combine(SiloProgram.Home(), "samples", "flights", "pipeline.cs");
        var temporary = options.DataDirectory is null;
        var folder = options.DataDirectory is { } given ? Path.GetFullPath(given) : Directory.CreateTempSubdirectory("gristmill-demo-").FullName;
        Directory.CreateDirectory(folder);
        // Tables go with the folder: a silo keeps those of finished runs for its next start, and this one has none.
        var objects = temporary && Directory.Exists("/dev/shm") ? Path.Combine("/dev/shm", Path.GetFileName(folder)) : null;
        var kept = false;
        try
        {
            // Before the silo starts: a build may replace files that the two share.
            Step($"Building {Path.GetRelativePath(SiloProgram.Home(), sample)}");
            var program = await PipelineProgram.BuildAsync(sample, context.Console, cancellationToken);

            await using var silo = SiloProcess.Start(folder, LoopbackPort.Free(), Path.Combine(folder, "silo.log"),
                objects is null ? [] : [$"--Gristmill:ObjectDirectory={objects}"]);
            await using var memory = new MemorySampler(silo.Id, context.Time);
            using var client = new GristmillClient(new GristmillClientOptions { Server = silo.Address });
            Step($"Starting a silo at {silo.Address}");
            await silo.WaitReadyAsync(cancellationToken);

            var run = await RunPipelineAsync(program, client, cancellationToken);
            if (run.Status != RunStatus.Succeeded)
            {
                return ExitCodes.Of(run.Status);
            }

            var (version, load) = await ServeAsync(client, run, cancellationToken);
            var spec = (await client.GetPipelineAsync(run.Pipeline, cancellationToken)).Spec!;
            var report = new DemoReport
            {
                RowsIngested = RunFacts.RowsIngested(run),
                Stages = RunFacts.Stages(run),
                Auc = RunFacts.AucByMonth(run, spec),
                Model = Model,
                Version = version.Version,
                Predictions = load.Requests,
                P50Ms = Math.Round(load.P50Ms, 3),
                P99Ms = Math.Round(load.P99Ms, 3),
                BytesCopied = RunFacts.BytesCopied(run),
                PeakRssMb = Math.Round(memory.PeakBytes / 1e6, 1),
                WallS = Math.Round(_clock.Elapsed.TotalSeconds, 2),
            };
            DemoText.Write(context, report, version.Model.Engine, load);

            if (options.Keep)
            {
                kept = true;
                WriteAddresses(silo, folder, objects);
                WriteJson(report);
                silo.Release();
                return ExitCodes.Ok;
            }

            await silo.StopAsync();
            WriteJson(report);
            return ExitCodes.Ok;
        }
        finally
        {
            if (temporary && !kept)
            {
                Directory.Delete(folder, recursive: true);
                if (Directory.Exists(objects))
                {
                    Directory.Delete(objects, recursive: true);
                }
            }
        }
    }

    private async Task<RunView> RunPipelineAsync(PipelineProgram program, GristmillClient client, CancellationToken cancellationToken)
    {
        Step("Running the pipeline: three million flights, two models");
        var (exitCode, output) = await Dotnet.CaptureAsync(
            program.Command(["submit", "--cluster", client.Server.AbsoluteUri, "--json"]), cancellationToken);
        if (exitCode != 0)
        {
            throw new GristmillException(ErrorCodes.Internal, $"{program.Name} could not be submitted: {output.Trim()}", "See the message above.");
        }

        using var submitted = JsonDocument.Parse(output.Trim().Split('\n')[^1]);
        var id = submitted.RootElement.GetProperty("run").GetString()!;
        var display = new RunDisplay(context.Console, context.Time);
        try
        {
            var run = await display.FollowAsync(client.WatchRunAsync(id, cancellationToken), cancellationToken);
            display.WriteEnd(run!);
            return run!;
        }
        catch (OperationCanceledException)
        {
            await client.CancelRunAsync(id, CancellationToken.None);
            throw;
        }
    }

    private async Task<(ModelVersionView Version, LoadResult Load)> ServeAsync(GristmillClient client, RunView run, CancellationToken cancellationToken)
    {
        Step($"Serving {Model} and sending it {options.Requests} requests");
        var model = await client.GetModelAsync(Model, cancellationToken);
        var version = model.Versions.LastOrDefault(v => v.RunId == run.Id) ?? model.Versions[^1];
        await client.DeployAsync(Model, new DeploymentSpec { Model = Model, Version = version.Version }, cancellationToken);
        return (version, await LoadGenerator.RunAsync(client, Model, options.Requests, null, cancellationToken));
    }

    private void Step(string text) => context.WriteLine($"{Texts.Duration(_clock.Elapsed),8}  {text}");

    private void WriteAddresses(SiloProcess silo, string folder, string? objects)
    {
        // A folder that was given is the user's to keep.
        var remains = objects is null ? "" : $", then 'rm -r {folder} {objects}' removes what it made";
        context.WriteLine($"The silo goes on serving (data {folder}); 'kill {silo.Id}' stops it{remains}.");
        context.WriteLine($"  REST       {new Uri(silo.Address, "api/v1")}");
        context.WriteLine($"  dashboard  {new Uri(silo.Address, "orleans")}");
        context.WriteLine($"  predict    curl -s {new Uri(silo.Address, $"api/v1/predict/{Model}")} -H 'content-type: application/json' "
            + """-d '{"origin":"ATL","destination":"LAX","distance":1946,"hour":18,"weekday":5,"month":6}'""");
    }

    private void WriteJson(DemoReport report)
    {
        if (options.Json)
        {
            context.WriteLine(JsonSerializer.Serialize(report, OneLine));
        }
    }
}
