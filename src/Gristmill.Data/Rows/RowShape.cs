using System.Linq.Expressions;
using System.Reflection;

namespace Gristmill.Data.Rows;

/// <summary>How rows of a type are made of columns, and columns of them.</summary>
internal sealed class RowShape
{
    /// <summary>Column of a flow whose rows are plain values.</summary>
    public const string ValueColumn = "value";

    private readonly ConstructorInfo? _constructor;
    private readonly int _parameters;

    private RowShape(Type type, ConstructorInfo? constructor, IReadOnlyList<RowMember> inputs, int parameters, IReadOnlyList<RowMember> outputs)
    {
        (Type, _constructor, Inputs, _parameters, Outputs) = (type, constructor, inputs, parameters, outputs);
    }

    public Type Type { get; }

    /// <summary>What makes a row.</summary>
    public IReadOnlyList<RowMember> Inputs { get; }

    /// <summary>What a row becomes.</summary>
    public IReadOnlyList<RowMember> Outputs { get; }

    /// <summary>Whether a row is one value, without members.</summary>
    public bool IsValue => _constructor is null && !Type.IsValueType || IsPlain(Type);

    public static RowShape Of(Type type)
    {
        if (IsPlain(type))
        {
            var value = new RowMember(ValueColumn, null, type, !type.IsValueType || Nullable.GetUnderlyingType(type) is not null, false, null);
            return new RowShape(type, null, [value], 0, [value]);
        }

        var properties = type.GetProperties(BindingFlags.Instance | BindingFlags.Public).Where(static p => p.GetIndexParameters().Length == 0).ToList();
        var fields = type.GetFields(BindingFlags.Instance | BindingFlags.Public).ToList();
        // The constructor with most parameters; that of a record is the one that names its properties. Copies are none.
        var constructor = type.GetConstructors(BindingFlags.Instance | BindingFlags.Public)
            .Where(candidate => !(candidate.GetParameters() is [var only] && only.ParameterType == type))
            .OrderByDescending(static candidate => candidate.GetParameters().Length).FirstOrDefault();
        var parameters = (constructor?.GetParameters() ?? []).Select(parameter => RowMember.Of(parameter, properties.Find(p => p.Name.Equals(parameter.Name, StringComparison.OrdinalIgnoreCase)))).ToList();
        var settable = properties.Where(p => p.SetMethod is { IsPublic: true } && !parameters.Exists(m => m.Name.Equals(p.Name, StringComparison.OrdinalIgnoreCase))).Select(RowMember.Of)
            .Concat(fields.Where(static f => !f.IsInitOnly).Where(f => !parameters.Exists(m => m.Name.Equals(f.Name, StringComparison.OrdinalIgnoreCase))).Select(RowMember.Of));
        return new RowShape(type, constructor, [.. parameters, .. settable], parameters.Count,
            [.. properties.Where(static p => p.GetMethod is { IsPublic: true }).Select(RowMember.Of), .. fields.Select(RowMember.Of)]);
    }

    /// <summary>Makes a row.</summary>
    /// <param name="values">One a member of <see cref="Inputs"/>.</param>
    public Expression Create(IReadOnlyList<Expression> values)
    {
        if (IsPlain(Type))
        {
            return values[0];
        }

        var made = _constructor is null ? Expression.New(Type) : Expression.New(_constructor, values.Take(_parameters));
        return Inputs.Count == _parameters
            ? made
            : Expression.MemberInit(made, Inputs.Skip(_parameters).Zip(values.Skip(_parameters), static (member, value) => (MemberBinding)Expression.Bind(member.Setter!, value)));
    }

    /// <summary>Whether a type is a value of one column.</summary>
    public static bool IsPlain(Type type)
    {
        var core = Nullable.GetUnderlyingType(type) ?? type;
        return core.IsPrimitive || core.IsEnum || core == typeof(string) || core == typeof(decimal) || core == typeof(DateTime) || core == typeof(DateTimeOffset) || core == typeof(DateOnly)
            || core == typeof(TimeOnly) || core == typeof(TimeSpan) || core == typeof(Guid) || core.IsArray;
    }
}
