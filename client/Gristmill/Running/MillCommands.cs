using System.Collections.Immutable;
using System.CommandLine;
using Gristmill.Client;
using Gristmill.Display;
using Spectre.Console;

namespace Gristmill.Running;

/// <summary>The command line of a pipeline's program.</summary>
internal static class MillCommands
{
    public static RootCommand Create(Pipeline pipeline, IAnsiConsole console, TimeProvider time)
    {
        var root = new RootCommand($"Pipeline {pipeline.Name}. {pipeline.Spec.Description}\n\nWithout a command: run.\n\n{ExitCodes.Help}".Replace(". \n", ".\n", StringComparison.Ordinal));
        AddRun(root, pipeline, console, time);

        var run = new Command("run", "Run it in this process, or with --cluster on a server.");
        AddRun(run, pipeline, console, time);
        root.Add(run);
        root.Add(Compile(pipeline, console));
        root.Add(Explain(pipeline, console));
        root.Add(Submit(pipeline, console));
        return root;
    }

    private static void AddRun(Command command, Pipeline pipeline, IAnsiConsole console, TimeProvider time)
    {
        var cluster = ClusterOption();
        var data = new Option<string>("--data") { Description = "In-process: folder of models and state (default: .gristmill).", DefaultValueFactory = _ => ".gristmill", HelpName = "DIR" };
        var threads = new Option<int>("--threads") { Description = "In-process: threads a stage may use (default: as many as there are cores). With one here and one on a server, trained models are the same.", HelpName = "N" };
        threads.Validators.Add(static given => { if (given.GetValueOrDefault<int>() is < 1 or > 1024) { given.AddError("--threads is 1 to 1024."); } });
        var parameters = ParameterOption();
        var partition = PartitionOption();
        var json = new Option<bool>("--json") { Description = "Write the finished run as JSON." };
        command.Add(cluster);
        command.Add(data);
        command.Add(threads);
        var noCache = NoCacheOption();
        command.Add(parameters);
        command.Add(partition);
        command.Add(noCache);
        command.Add(json);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var request = Request(pipeline, parsed.GetValue(parameters), parsed.GetValue(partition)) with { NoCache = parsed.GetValue(noCache) };
            await using IRunTarget target = parsed.GetValue(cluster) is { } server
                ? new ClusterTarget(server)
                : await EmbeddedTarget.StartAsync(parsed.GetValue(data)!, parsed.GetValue(threads), cancellationToken);
            return await FollowAsync(target, pipeline, request, parsed.GetValue(json), console, time, cancellationToken);
        });
    }

    private static async Task<int> FollowAsync(IRunTarget target, Pipeline pipeline, RunRequest request, bool json, IAnsiConsole console, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var id = await target.StartAsync(pipeline, request, cancellationToken);
        // JSON goes to standard output alone: the display stays silent then.
        var display = new RunDisplay(console, time);
        try
        {
            RunView? run = null;
            if (json)
            {
                await foreach (var change in target.WatchAsync(id, cancellationToken))
                {
                    run = change.Run ?? run;
                }

                WriteLine(console, GristmillJson.SerializeIndented(run));
            }
            else
            {
                run = await display.FollowAsync(target.WatchAsync(id, cancellationToken), cancellationToken);
                display.WriteEnd(run!);
            }

            return ExitCodes.Of(run!.Status);
        }
        catch (OperationCanceledException)
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5), time);
            await target.CancelAsync(id, limit.Token);
            await Console.Error.WriteLineAsync($"Run {id} cancelled.");
            return ExitCodes.Cancelled;
        }
    }

    private static Command Compile(Pipeline pipeline, IAnsiConsole console)
    {
        var cluster = ClusterOption();
        cluster.Description = "Ship the code that stages call to this server, and name it in the spec.";
        var command = new Command("compile", "Print the spec as JSON: what a server is sent.") { cluster };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var spec = pipeline.Spec;
            if (parsed.GetValue(cluster) is { } server)
            {
                await using var target = new ClusterTarget(server);
                spec = await target.ShipAsync(pipeline, cancellationToken);
            }

            WriteLine(console, GristmillJson.SerializeIndented(spec));
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command Explain(Pipeline pipeline, IAnsiConsole console)
    {
        var command = new Command("explain", "Print parameters and stages, with what each takes and waits for.");
        command.SetAction(_ => WriteLine(console, PipelineText.Explain(pipeline.Spec)));
        return command;
    }

    private static Command Submit(Pipeline pipeline, IAnsiConsole console)
    {
        var cluster = ClusterOption();
        var parameters = ParameterOption();
        var partition = PartitionOption();
        var json = new Option<bool>("--json") { Description = "Write one line of JSON." };
        var noCache = NoCacheOption();
        var command = new Command("submit", "Ship it to a server, start a run and return.") { cluster, parameters, partition, noCache, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var request = Request(pipeline, parsed.GetValue(parameters), parsed.GetValue(partition)) with { NoCache = parsed.GetValue(noCache) };
            await using var target = new ClusterTarget(parsed.GetValue(cluster) ?? GristmillClientOptions.DefaultServer.AbsoluteUri);
            var id = await target.StartAsync(pipeline, request, cancellationToken);
            WriteLine(console, parsed.GetValue(json)
                ? GristmillJson.Serialize(new { run = id, pipeline = pipeline.Name })
                : $"Run {id} of {pipeline.Name} started; 'mill show --follow {id}' follows it.");
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Option<string?> ClusterOption() => new("--cluster", "-c")
    {
        Description = "The server's address; without it the run is in this process.",
        HelpName = "URL",
    };

    private static Option<bool> NoCacheOption() => new("--no-cache") { Description = "Execute every stage; take no earlier result over." };

    private static Option<string[]> ParameterOption() => new("--param", "-p")
    {
        Description = "A parameter of the run. May be repeated.",
        HelpName = "NAME=VALUE",
    };

    private static Option<string?> PartitionOption() => new("--partition", "--partitions")
    {
        Description = "Of a partitioned pipeline: a key, or a range as FROM..TO; of two dimensions FIRST/SECOND.",
        HelpName = "KEY",
    };

    private static RunRequest Request(Pipeline pipeline, string[]? pairs, string? partition)
    {
        var values = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var (name, json) in (pairs ?? []).Select(pair => Literals.Parameter(pair, pipeline.Spec.Parameters)))
        {
            values[name] = json;
        }

        var follow = (pipeline.Spec.Partitions?.Dimensions ?? []).SelectMany(PartitionKeys.ParametersOf).Select(p => p.Name).ToHashSet(StringComparer.Ordinal);
        var missing = pipeline.Spec.Parameters.Where(p => p.Default is null && !values.ContainsKey(p.Name) && !follow.Contains(p.Name)).Select(p => p.Name).ToList();
        return missing.Count == 0
            ? new RunRequest { Parameters = values.ToImmutable(), Partition = partition }
            : throw new GristmillException(ErrorCodes.Invalid, $"The run needs a value for {string.Join(", ", missing)}.",
                $"Add {string.Join(" ", missing.Select(name => $"--param {name}=..."))}.");
    }

    private static void WriteLine(IAnsiConsole console, string text) => console.Profile.Out.Writer.WriteLine(text);
}
