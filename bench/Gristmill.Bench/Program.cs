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
    case FlowMeanCase.Role: return await FlowMeanCase.ServeAsync(args[1]);
    case LargeFlowCase.Role: return await LargeFlowCase.ServeAsync(args[1], args[2], args[3]);
    case PullCase.Role: return await PullCase.ServeAsync(args[1]);
    case "bare-kestrel": return BareKestrel.Serve(args[1]);
    case "torch-step": return TorchStepBench.Serve(args[1], int.Parse(args[2], CultureInfo.InvariantCulture), int.Parse(args[3], CultureInfo.InvariantCulture));
    case "metric-points": return await MetricPointsCase.ServeAsync(args[1]);
    case BenchSilo.Role: return BenchSilo.Serve(args[1..]);
}

Dictionary<string, IReadOnlyList<(string Name, Func<Task<IReadOnlyList<BenchCase>>> Run)>> suites = new()
{
    ["lifecycle"] = LifecycleBench.Cases,
    ["pipelines"] = PipelinesBench.Cases,
    ["data"] = DataBench.Cases,
};
if (args.Length == 0 || !suites.TryGetValue(args[0], out var suite))
{
    return Explain();
}

var json = args.Contains("--json");
var wanted = args.SkipWhile(a => a != "--case").Skip(1).Where(static a => a != "--json").ToHashSet();
if (!wanted.IsSubsetOf(suite.Select(static item => item.Name)) || args[1..].TakeWhile(static a => a != "--case").Any(static a => a != "--json"))
{
    // A bench takes minutes: nobody is to wait for one that was not asked for.
    return Explain();
}

var cases = new List<BenchCase>();
foreach (var (name, run) in suite.Where(item => wanted.Count == 0 || wanted.Contains(item.Name)))
{
    Console.Error.WriteLine($"==> {name}");
    cases.AddRange(await run());
}

BenchCase.Print(cases, json);
return cases.TrueForAll(item => item.Met) ? 0 : 1;

int Explain()
{
    Console.Error.WriteLine("usage: mill bench setup");
    foreach (var (name, items) in suites)
    {
        Console.Error.WriteLine($"       mill bench {name} [--json] [--case {string.Join('|', items.Select(static item => item.Name))} ...]");
    }

    return 2;
}
