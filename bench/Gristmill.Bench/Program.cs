using System.Globalization;
using Gristmill.Bench;
using Gristmill.Bench.Data;
using Gristmill.Bench.Lifecycle;
using Gristmill.Bench.Pipelines;
using Gristmill.Bench.Torch;

// mill bench lifecycle|pipelines|data [--json] [--case NAME ...]: both sides of each case in the same run.
switch (args.FirstOrDefault())
{
    case "hand-off-receiver": return HandOffCase.Serve(args[1]);
    case "bare-kestrel": return BareKestrel.Serve(args[1]);
    case "torch-step": return TorchStepBench.Serve(args[1], int.Parse(args[2], CultureInfo.InvariantCulture), int.Parse(args[3], CultureInfo.InvariantCulture));
    case "metric-points": return await MetricPointsCase.ServeAsync(args[1]);
    case BenchSilo.Role: return BenchSilo.Serve(args[1..]);
    case "lifecycle" or "pipelines" or "data": break;
    default: return Explain();
}

var json = args.Contains("--json");
string[] known = args[0] switch
{
    "pipelines" => [.. PipelinesBench.Cases.Select(static item => item.Name)],
    "data" => ["flight"],
    _ => ["flights", "hand-off", "torch", "dispatch", "predict"],
};
var wanted = args.SkipWhile(a => a != "--case").Skip(1).Where(static a => a != "--json").ToHashSet();
if (!wanted.IsSubsetOf(known) || args[1..].TakeWhile(static a => a != "--case").Any(static a => a != "--json"))
{
    // A bench takes minutes: nobody is to wait for one that was not asked for.
    return Explain();
}

var cases = new List<BenchCase>();
async Task MeasureAsync(string name, Func<Task<IReadOnlyList<BenchCase>>> run)
{
    if (wanted.Count > 0 && !wanted.Contains(name))
    {
        return;
    }

    Console.Error.WriteLine($"==> {name}");
    cases.AddRange(await run());
}

if (args[0] == "pipelines")
{
    foreach (var (name, run) in PipelinesBench.Cases)
    {
        await MeasureAsync(name, run);
    }

    BenchCase.Print(cases, json);
    return cases.TrueForAll(item => item.Met) ? 0 : 1;
}

if (args[0] == "data")
{
    await MeasureAsync("flight", static () => Task.FromResult<IReadOnlyList<BenchCase>>([.. FlightCase.Run()]));
    BenchCase.Print(cases, json);
    return cases.TrueForAll(item => item.Met) ? 0 : 1;
}

await MeasureAsync("flights", LifecycleCase.RunAsync);
await MeasureAsync("hand-off", () => Task.FromResult<IReadOnlyList<BenchCase>>([.. HandOffCase.Run()]));
await MeasureAsync("torch", () => Task.FromResult(TorchStepCase.Run()));
await MeasureAsync("dispatch", DispatchCase.RunAsync);
await MeasureAsync("predict", PredictCase.RunAsync);
BenchCase.Print(cases, json);
return cases.TrueForAll(item => item.Met) ? 0 : 1;

static int Explain()
{
    Console.Error.WriteLine("usage: mill bench setup | mill bench lifecycle [--json] [--case flights|hand-off|torch|dispatch|predict ...] | mill bench pipelines [--json] [--case "
        + string.Join('|', PipelinesBench.Cases.Select(static item => item.Name)) + " ...] | mill bench data [--json] [--case flight]");
    return 2;
}
