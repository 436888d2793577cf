using System.Diagnostics.CodeAnalysis;
using System.Linq.Expressions;
using System.Text.Json.Nodes;

namespace Gristmill;

/// <summary>The item of a loop, in its body: pass it to stages, bind it in queries, compare it in conditions.</summary>
/// <typeparam name="T">Its type.</typeparam>
[SuppressMessage("Usage", "CA2225:Operator overloads have named alternates", Justification = "The conversion is what passing it means; comparisons have no other names.")]
public sealed class LoopItem<T> : IPipelineValue, IConditionSide
{
    private readonly StageNode _loop;
    private readonly string? _path;
    private readonly bool _isIndex;

    internal LoopItem(StageNode loop, string? path = null, bool isIndex = false)
    {
        _loop = loop;
        _path = path;
        _isIndex = isIndex;
    }

    /// <summary>The item's number, from 0.</summary>
    public LoopItem<int> Index => new(_loop, isIndex: true);

    StageNode? IConditionSide.Node => null;

    string? IConditionSide.Metric => null;

    /// <summary>It as a value.</summary>
    public Value<T> ToValue() => this;

    /// <summary>It as an argument.</summary>
    public static implicit operator StageArgument(LoopItem<T> item)
    {
        ArgumentNullException.ThrowIfNull(item);
        return StageArgument.Placeholder(item, typeof(T));
    }

    /// <summary>Holds if it is greater.</summary>
    public static Condition operator >(LoopItem<T> item, Value<T> value) => Condition.Compare(item, ">", value.ToSide());

    /// <summary>Holds if it is less.</summary>
    public static Condition operator <(LoopItem<T> item, Value<T> value) => Condition.Compare(item, "<", value.ToSide());

    /// <summary>Holds if it is at least the value.</summary>
    public static Condition operator >=(LoopItem<T> item, Value<T> value) => Condition.Compare(item, ">=", value.ToSide());

    /// <summary>Holds if it is at most the value.</summary>
    public static Condition operator <=(LoopItem<T> item, Value<T> value) => Condition.Compare(item, "<=", value.ToSide());

    /// <summary>Holds if it is the value.</summary>
    public Condition Is(Value<T> value) => Condition.Compare(this, "==", value.ToSide());

    /// <summary>Holds unless it is the value.</summary>
    public Condition IsNot(Value<T> value) => Condition.Compare(this, "!=", value.ToSide());

    /// <summary>A member of an item that is a record: <c>route.Get(r => r.Origin)</c>.</summary>
    /// <param name="member">Names the member.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: it does more than that.</exception>
    public LoopItem<TMember> Get<TMember>(Expression<Func<T, TMember>> member)
    {
        ArgumentNullException.ThrowIfNull(member);
        var names = new Stack<string>();
        var at = member.Body;
        for (; at is MemberExpression { Expression: { } inner } access; at = inner)
        {
            names.Push(System.Text.Json.JsonNamingPolicy.CamelCase.ConvertName(access.Member.Name));
        }

        return at == member.Parameters[0] && names.Count > 0 && !_isIndex
            ? new LoopItem<TMember>(_loop, _path is null ? string.Join('.', names) : $"{_path}.{string.Join('.', names)}")
            : throw new GristmillException(ErrorCodes.Invalid, $"'{member}' is no member of the item.", "Name one, such as item.Get(i => i.Name); compute in a stage.");
    }

    JsonNode? IPipelineValue.ToNode() => Write();

    JsonNode? IConditionSide.ToNode() => Write();

    private JsonObject Write() =>
        _isIndex ? new JsonObject { ["$index"] = _loop.Name }
        : _path is null ? new JsonObject { ["$item"] = _loop.Name }
        : new JsonObject { ["$item"] = new JsonObject { ["loop"] = _loop.Name, ["path"] = _path } };
}
