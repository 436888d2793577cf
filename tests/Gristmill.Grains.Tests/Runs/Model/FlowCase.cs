using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Gristmill.Grains.Runs.Model;

/// <summary>A random pipeline with what its stages do and what must come of it; the seed tells everything.</summary>
internal sealed class FlowCase
{
    private readonly Random _random;
    private readonly List<FlowNode> _nodes = [];
    private readonly Dictionary<string, FlowPolicy> _policies = new(StringComparer.Ordinal);
    private readonly int _seed;
    private readonly int _spare;
    private int _named;

    private FlowCase(int seed, int kills)
    {
        (_seed, _spare) = (seed, kills * 2);
        _random = new Random(seed);
        Model = new FlowModel(Measures, Troubles);
    }

    public int Seed => _seed;

    public PipelineSpec Spec { get; private set; } = null!;

    public FlowModel Model { get; }

    /// <summary>The case of a seed.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="kills">How often the silo may be killed meanwhile: stages have attempts to spare for that.</param>
    public static FlowCase Of(int seed, int kills)
    {
        var made = new FlowCase(seed, kills);
        made.Make();
        return made;
    }

    /// <summary>The case of a stage, by the seed in its name.</summary>
    public static int SeedOf(string stage) => int.Parse(stage.Split('-')[1].Split('[')[0], CultureInfo.InvariantCulture);

    /// <summary>What a stage measures: a function of seed and name.</summary>
    public int Measures(string stage) => (int)(Hash(stage, "measures") % 4);

    /// <summary>What goes wrong in a stage before it does what it does: nothing, in three of five.</summary>
    public FlowTrouble Troubles(string stage)
    {
        if (Hash(stage, "troubles") % 5 > 1)
        {
            return default;
        }

        var trouble = new FlowTrouble(FlowTrouble.Kinds[Hash(stage, "kind") % 4], 1 + (int)(Hash(stage, "how often") % 3));
        // What ends a stage goes wrong for good: an attempt that a killed silo took with it, or one to spare, would not meet it.
        return _policies[stage.Split('[')[0]] is var policy && trouble.IsRetried(policy) && trouble.Times < policy.Limit ? trouble : trouble with { Times = int.MaxValue };
    }

    /// <summary>What an execution of a stage comes to, by how many of it there were before; the trouble, or null.</summary>
    public FlowTrouble? TroubleOf(string stage, int before) => Troubles(stage) is var trouble && before < trouble.Times ? trouble : null;

    private static int ItemsOf(int measured) => measured;

    private uint Hash(string stage, string salt)
    {
        // FNV-1a, 32 bits: the same on every machine.
        var hash = 2166136261u ^ (uint)_seed;
        foreach (var b in Encoding.UTF8.GetBytes($"{salt}:{stage}"))
        {
            hash = (hash ^ b) * 16777619;
        }

        hash ^= hash >> 15;
        return hash * 2246822519u >> 3;
    }

    private void Make()
    {
        var count = _random.Next(3, 9);
        for (var i = 0; i < count; i++)
        {
            Add(_random.Next(5) switch
            {
                0 => Loop([], _nodes),
                1 when _nodes.Any(static node => !node.IsLoop) => Join(_nodes, []),
                _ => Stage([], _nodes, _nodes),
            });
        }

        for (var i = _random.Next(3); i > 0; i--)
        {
            var name = NextName("exit");
            var node = new FlowNode { Name = name, AtExit = true, Policy = Policy(name), When = _random.Next(3) == 0 ? Condition(_nodes.Where(IsPlain).ToList()) : null };
            Add(node);
        }

        var policy = _random.Next(3) == 0 ? FailurePolicy.FailFast : FailurePolicy.Continue;
        if (policy == FailurePolicy.FailFast)
        {
            Model.FailFast(_nodes);
        }

        Spec = new PipelineSpec { Name = $"random-{_seed}-{Guid.NewGuid():N}"[..40], Stages = [.. All(_nodes).Select(static node => node.ToSpec())], OnFailure = policy };
    }

    private static IEnumerable<FlowNode> All(IEnumerable<FlowNode> nodes) => nodes.SelectMany(static node => All(node.Body).Prepend(node));

    private static bool IsPlain(FlowNode node) => !node.IsLoop && node.Operation != StageOperations.OneOf;

    private void Add(FlowNode node)
    {
        _nodes.Add(node);
        Model.Add(node);
    }

    private string NextName(string kind) => string.Create(CultureInfo.InvariantCulture, $"{kind}{_named++}-{_seed}");

    private FlowNode Stage(ImmutableArray<FlowNode> loops, IReadOnlyList<FlowNode> inputs, IReadOnlyList<FlowNode> asked)
    {
        var name = NextName("s");
        var node = new FlowNode
        {
            Name = name,
            Operation = StageOperations.Code,
            Policy = Policy(name),
            Loops = loops,
            Ignores = _random.Next(6) == 0,
            When = _random.Next(3) == 0 ? Condition([.. asked.Where(IsPlain)]) : null,
        };
        Connect(node, inputs);
        return node;
    }

    /// <summary>Any number of attempts up to three; crashes are retried, errors all, some, or none.</summary>
    private FlowPolicy Policy(string stage)
    {
        string[] on = ["IOException", "System.IO.FileNotFoundException", ErrorCodes.Timeout, ErrorCodes.StageFailed];
        return _policies[stage] = new FlowPolicy(_random.Next(1, 4), _spare, _random.Next(2) == 0, _random.Next(2) == 0 ? on[_random.Next(on.Length)] : null);
    }

    private FlowNode Join(IReadOnlyList<FlowNode> branches, ImmutableArray<FlowNode> loops)
    {
        var node = new FlowNode { Name = NextName("j"), Operation = StageOperations.OneOf, Loops = loops };
        var candidates = branches.Where(static branch => !branch.IsLoop).ToList();
        node.Inputs.AddRange(Some(candidates, 3));
        if (node.Inputs.Count == 0)
        {
            node.Inputs.Add(candidates[0]);
        }

        return node;
    }

    private FlowNode Loop(ImmutableArray<FlowNode> loops, IReadOnlyList<FlowNode> outside)
    {
        // A list that is known only in the run: of as many items as its stage measures.
        var lists = outside.Where(node => IsPlain(node) && node.Loops.IsEmpty && loops.IsEmpty && Model.Of(node).Status == StageStatus.Succeeded).ToList();
        var list = lists.Count > 0 && _random.Next(2) == 0 ? lists[_random.Next(lists.Count)] : null;
        var node = new FlowNode
        {
            Name = NextName("l"),
            Operation = StageOperations.ForEach,
            Loops = loops,
            List = list,
            Items = list is null ? _random.Next(4) : ItemsOf(Model.Of(list).Measured),
            Allow = _random.Next(2) == 0 ? 0 : 0.5,
            Parallelism = _random.Next(3),
            When = loops.IsEmpty && _random.Next(4) == 0 ? Condition([.. outside.Where(IsPlain)]) : null,
        };
        if (_random.Next(3) == 0)
        {
            node.After.AddRange(Some(outside.Where(other => other.Loops.Length == loops.Length).ToList(), 1));
        }

        // The body sees what is sure to be there: a failure outside would race with those inside.
        var seen = outside.Where(other => other.Loops.IsEmpty && Model.Ends.TryGetValue(other.Name, out var end) && end.Status is StageStatus.Succeeded or StageStatus.Skipped).ToList();
        var within = loops.Add(node);
        for (var i = _random.Next(1, 4); i > 0; i--)
        {
            node.Body.Add(_random.Next(5) switch
            {
                0 when loops.IsEmpty => Loop(within, node.Body),
                1 when node.Body.Any(static other => !other.IsLoop) => Join(node.Body, within),
                _ => Stage(within, [.. node.Body, .. seen], [.. node.Body, .. seen]),
            });
        }

        return node;
    }

    private void Connect(FlowNode node, IReadOnlyList<FlowNode> candidates)
    {
        // What is in a loop of its own is taken by stages outside, as a collection; loops themselves give numbers alone.
        var inputs = candidates.SelectMany(candidate => candidate.IsLoop ? candidate.Body.Where(IsPlain) : [candidate]).ToList();
        node.Inputs.AddRange(Some(inputs, 3));
        if (_random.Next(4) == 0)
        {
            node.After.AddRange(Some(candidates, 1));
        }
    }

    private FlowCondition? Condition(List<FlowNode> candidates, int depth = 0)
    {
        if (candidates.Count == 0)
        {
            return null;
        }

        var kind = depth < 3 ? _random.Next(6) switch { 0 => "not", 1 => "all", 2 => "any", _ => "" } : "";
        return kind switch
        {
            "" => new FlowCondition(candidates[_random.Next(candidates.Count)], _random.Next(4), null, null, kind),
            "not" => new FlowCondition(null, 0, Condition(candidates, depth + 1), null, kind),
            _ => new FlowCondition(null, 0, Condition(candidates, depth + 1), Condition(candidates, depth + 1), kind),
        };
    }

    private IEnumerable<FlowNode> Some(IReadOnlyList<FlowNode> candidates, int most) =>
        candidates.Count == 0 ? [] : Enumerable.Range(0, _random.Next(most + 1)).Select(_ => candidates[_random.Next(candidates.Count)]).Distinct();
}
