using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Gristmill;

// Control flow: conditions, joins, loops, groups, exit handlers, what a failure means.
public sealed partial class PipelineBuilder
{
    private readonly Stack<StageNode> _loops = new();
    private readonly Stack<string> _groups = new();
    private Condition? _condition;
    private FailurePolicy? _onFailure;
    private string? _continues;

    /// <summary>The innermost loop whose body is being defined.</summary>
    internal StageNode? CurrentLoop => _loops.TryPeek(out var loop) ? loop : null;

    /// <summary>What the names of stages begin with that are added now.</summary>
    internal string Prefix => string.Concat(_groups.Reverse().Select(static group => group + "."));

    /// <summary>
    /// Adds stages that run only if a condition holds in the run: <c>p.If(best.Score &gt; 0.66, () => ...).Else(() => ...)</c>. The
    /// definition of every branch runs, once, now.
    /// </summary>
    /// <param name="condition">What decides. If it is unknown, as it asks a stage that was skipped, neither branch runs.</param>
    /// <param name="then">Adds the stages.</param>
    public Branch If(Condition condition, Action then)
    {
        ArgumentNullException.ThrowIfNull(condition);
        ArgumentNullException.ThrowIfNull(then);
        Within(condition, then);
        return new Branch(this, condition);
    }

    /// <summary>
    /// Adds branches of which one makes something: <c>Model model = p.Choose(many, () => Large(rows)).Else(() => Small(rows))</c>.
    /// </summary>
    /// <param name="condition">What decides.</param>
    /// <param name="then">Adds the stages and returns the handle of what they make.</param>
    public Branch<T> Choose<T>(Condition condition, Func<T> then) where T : StageHandle
    {
        ArgumentNullException.ThrowIfNull(condition);
        ArgumentNullException.ThrowIfNull(then);
        return new Branch<T>(this, condition, then);
    }

    /// <summary>Joins branches: the first that was not skipped. If all were, what uses it is skipped.</summary>
    public Table OneOf(params Table[] branches) => Join(branches);

    /// <summary>Joins branches: the first that was not skipped. If all were, what uses it is skipped.</summary>
    public Model OneOf(params Model[] branches) => Join(branches);

    /// <summary>Joins branches: the first that was not skipped. If all were, what uses it is skipped.</summary>
    public MetricSet OneOf(params MetricSet[] branches) => Join(branches);

    /// <summary>Joins branches: the first that was not skipped. If all were, what uses it is skipped.</summary>
    public CodeStage OneOf(params CodeStage[] branches) => Join(branches);

    /// <summary>Joins branches: the first that was not skipped. If all were, what uses it is skipped.</summary>
    public StageValue OneOf(params StageValue[] branches) => Join(branches);

    /// <summary>Joins branches: the first that was not skipped. If all were, what uses it is skipped.</summary>
    public StageFile OneOf(params StageFile[] branches) => Join(branches);

    /// <summary>Runs the body once for each item, and hands on what it makes: outside, a handle of the body is the list of all items' outputs.</summary>
    /// <param name="items">The items, at most 10,000.</param>
    /// <param name="body">Adds the stages of one item and returns handles of what is to be collected. It runs once, now.</param>
    /// <param name="parallelism">Items under way at once; 0: all.</param>
    /// <param name="allowFailures">Share of the items, 0 to 1, that may fail; they are left out of what is collected.</param>
    /// <param name="name">The loop's name; null: made of what it loops over.</param>
    /// <param name="itemsName">Left to the compiler.</param>
    public TResult ForEach<T, TResult>(IEnumerable<T> items, Func<LoopItem<T>, TResult> body, int parallelism = 0, double allowFailures = 0,
        string? name = null, [CallerArgumentExpression(nameof(items))] string? itemsName = null)
    {
        ArgumentNullException.ThrowIfNull(items);
        var literal = JsonSerializer.Serialize(items.ToArray(), GristmillJson.Options);
        return Loop(() => JsonNode.Parse(literal), null, body, parallelism, allowFailures, name, itemsName);
    }

    /// <inheritdoc cref="ForEach{T, TResult}(IEnumerable{T}, Func{LoopItem{T}, TResult}, int, double, string?, string?)"/>
    public void ForEach<T>(IEnumerable<T> items, Action<LoopItem<T>> body, int parallelism = 0, double allowFailures = 0,
        string? name = null, [CallerArgumentExpression(nameof(items))] string? itemsName = null) =>
        ForEach(items, Run(body), parallelism, allowFailures, name, itemsName);

    /// <inheritdoc cref="ForEach{T, TResult}(IEnumerable{T}, Func{LoopItem{T}, TResult}, int, double, string?, string?)"/>
    public TResult ForEach<T, TResult>(Parameter<T[]> items, Func<LoopItem<T>, TResult> body, int parallelism = 0, double allowFailures = 0,
        string? name = null, [CallerArgumentExpression(nameof(items))] string? itemsName = null)
    {
        ArgumentNullException.ThrowIfNull(items);
        return Loop(((IPipelineValue)items).ToNode, null, body, parallelism, allowFailures, name, itemsName);
    }

    /// <inheritdoc cref="ForEach{T, TResult}(IEnumerable{T}, Func{LoopItem{T}, TResult}, int, double, string?, string?)"/>
    public void ForEach<T>(Parameter<T[]> items, Action<LoopItem<T>> body, int parallelism = 0, double allowFailures = 0,
        string? name = null, [CallerArgumentExpression(nameof(items))] string? itemsName = null) =>
        ForEach(items, Run(body), parallelism, allowFailures, name, itemsName);

    /// <summary>Runs the body once for each item of a list that an earlier stage returns: how many there are is known in the run.</summary>
    /// <inheritdoc cref="ForEach{T, TResult}(IEnumerable{T}, Func{LoopItem{T}, TResult}, int, double, string?, string?)"/>
    public TResult ForEach<T, TResult>(ValueList<T> items, Func<LoopItem<T>, TResult> body, int parallelism = 0, double allowFailures = 0,
        string? name = null, [CallerArgumentExpression(nameof(items))] string? itemsName = null)
    {
        ArgumentNullException.ThrowIfNull(items);
        return Loop(((IPipelineValue)items).ToNode, items.Node, body, parallelism, allowFailures, name, itemsName ?? items.Node.Hint);
    }

    /// <inheritdoc cref="ForEach{T, TResult}(ValueList{T}, Func{LoopItem{T}, TResult}, int, double, string?, string?)"/>
    public void ForEach<T>(ValueList<T> items, Action<LoopItem<T>> body, int parallelism = 0, double allowFailures = 0,
        string? name = null, [CallerArgumentExpression(nameof(items))] string? itemsName = null) =>
        ForEach(items, Run(body), parallelism, allowFailures, name, itemsName);

    /// <summary>Runs the body for each item of an item of an outer loop that is a list.</summary>
    /// <inheritdoc cref="ForEach{T, TResult}(IEnumerable{T}, Func{LoopItem{T}, TResult}, int, double, string?, string?)"/>
    public TResult ForEach<T, TResult>(LoopItem<T[]> items, Func<LoopItem<T>, TResult> body, int parallelism = 0, double allowFailures = 0,
        string? name = null, [CallerArgumentExpression(nameof(items))] string? itemsName = null)
    {
        ArgumentNullException.ThrowIfNull(items);
        return Loop(((IPipelineValue)items).ToNode, null, body, parallelism, allowFailures, name, itemsName);
    }

    /// <summary>Adds stages whose names begin with the group's: for parts of a pipeline that are written once and used more than once.</summary>
    /// <param name="name">The group's name: stage "rows" of group "train" is "train.rows".</param>
    /// <param name="define">Adds the stages and returns handles of what they make.</param>
    public TResult Group<TResult>(string name, Func<TResult> define)
    {
        ArgumentNullException.ThrowIfNull(define);
        NameRules.Require(name, "group");
        _groups.Push(name);
        try
        {
            return define();
        }
        finally
        {
            _groups.Pop();
        }
    }

    /// <inheritdoc cref="Group{TResult}"/>
    public void Group(string name, Action define)
    {
        ArgumentNullException.ThrowIfNull(define);
        Group(name, () =>
        {
            define();
            return true;
        });
    }

    /// <summary>
    /// Runs a method of yours when the run is over, however it ended. A parameter of type <see cref="ExitStatus"/> is handed in and
    /// says how. Handles of stages may be passed, too: the parameters that take them are optional, as the stage may not have
    /// run. If it fails, that shows, and does not change how the run ended.
    /// </summary>
    /// <inheritdoc cref="Run"/>
    public CodeStage OnExit(Delegate stage, params ReadOnlySpan<StageArgument> arguments)
    {
        if (CurrentLoop is not null)
        {
            throw new GristmillException(ErrorCodes.Invalid, "OnExit is in the body of a loop, and a run ends once.", "Move it out of the loop.");
        }

        var handle = Run(stage, arguments);
        handle.Node.Settings = handle.Node.Settings with { OnExit = true };
        RequireOptional(handle.Node, "runs at the exit");
        return handle;
    }

    /// <summary>Says what a failed stage means for the others.</summary>
    /// <param name="policy">Default: <see cref="FailurePolicy.FailFast"/>.</param>
    public void OnFailure(FailurePolicy policy) => _onFailure = policy;

    /// <summary>A secret, as an argument of a stage of your own code whose parameter is a string.</summary>
    /// <param name="name">Its name, such as "warehouse-password".</param>
#pragma warning disable CA1822 // A pipeline is written through its builder.
    public Secret Secret(string name)
#pragma warning restore CA1822
    {
        NameRules.Require(name, "secret");
        return new Secret(name);
    }

    internal static void RequireOptional(StageNode node, string why)
    {
        if (node.RequiredInputs.FirstOrDefault(input => node.Inputs.ContainsKey(input)) is { } required)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"Stage '{node.Label}' {why}, so its parameter '{required}' may have nothing to take.",
                $"Make it optional: give it a default, or a type such as Dataset?.").With("parameter", required);
        }
    }

    /// <summary>Adds stages to the body of a loop that is there already.</summary>
    internal void InLoop(StageNode loop, Action define)
    {
        var before = _condition;
        _condition = null;
        _loops.Push(loop);
        try
        {
            define();
        }
        finally
        {
            _loops.Pop();
            _condition = before;
        }
    }

    internal void Within(Condition condition, Action define)
    {
        var before = _condition;
        _condition = before is null ? condition : before & condition;
        try
        {
            define();
        }
        finally
        {
            _condition = before;
        }
    }

    internal T Join<T>(T[] branches) where T : StageHandle
    {
        if (branches is not { Length: > 0 } || branches.Any(static branch => branch is null))
        {
            throw new GristmillException(ErrorCodes.Invalid, "OneOf joins no branches, or one that is null.", "Pass the handles of stages in different branches.");
        }

        var node = new StageNode(this, StageOperations.OneOf, "one-of") { SingleOutput = true };
        for (var i = 0; i < branches.Length; i++)
        {
            Connect(node, i.ToString(System.Globalization.CultureInfo.InvariantCulture), branches[i]);
        }

        Add(node);
        StageHandle joined = branches[0] switch
        {
            Table => new Table(node),
            BestModel => new BestModel(node),
            Model => new Model(node),
            MetricSet => new MetricSet(node),
            StageFile => new StageFile(node),
            CodeStage code => code.On(node),
            StageValue { Metric: { } metric } => new StageValue(node, "metrics", metric),
            StageValue => new StageValue(node),
            var other => throw new GristmillException(ErrorCodes.Invalid, $"A {other.GetType().Name} cannot be joined.", "Join tables, models, metrics, values or files."),
        };
        return (T)joined;
    }

    private static Func<LoopItem<T>, bool> Run<T>(Action<LoopItem<T>> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return item =>
        {
            body(item);
            return true;
        };
    }

    private TResult Loop<T, TResult>(Func<JsonNode?> items, StageNode? source, Func<LoopItem<T>, TResult> body, int parallelism, double allowFailures, string? name, string? itemsName)
    {
        ArgumentNullException.ThrowIfNull(body);
        if (parallelism < 0 || allowFailures is not (>= 0 and <= 1))
        {
            throw new GristmillException(ErrorCodes.Invalid, $"ForEach has parallelism {parallelism} and allowFailures {allowFailures}.",
                "Parallelism is 0 (all items at once) or more, allowFailures a share from 0 to 1.");
        }

        var hint = NameRules.Kebab(NameRules.AsIdentifier(itemsName?.Split('.')[0]));
        var node = new StageNode(this, StageOperations.ForEach, hint is null ? "for-each" : $"each-{hint}")
        {
            SingleOutput = false,
            Options = () =>
            {
                var options = new JsonObject { ["items"] = items() };
                return options.Set("parallelism", parallelism == 0 ? null : parallelism).Set("allowFailures", allowFailures == 0 ? null : allowFailures);
            },
        };
        if (name is not null)
        {
            NameRules.Require(name, "loop");
            node.GivenName = Prefix + name;
        }

        if (source is not null)
        {
            RequireEarlier(source, node);
            node.After.Add(source);
        }

        Add(node);
        var before = _condition;
        var stages = _stages.Count;
        _condition = null;
        _loops.Push(node);
        try
        {
            var result = body(new LoopItem<T>(node));
            return _stages.Count > stages
                ? result
                : throw new GristmillException(ErrorCodes.Invalid, $"The body of loop '{node.Label}' adds no stages.", "Add those that are to run for each item.");
        }
        finally
        {
            _loops.Pop();
            _condition = before;
        }
    }
}
