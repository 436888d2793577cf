using System.ComponentModel.DataAnnotations.Schema;
using System.Linq.Expressions;
using System.Reflection;

namespace Gristmill.Data.Rows;

/// <summary>A value of a row type: a parameter of its constructor, a property or a field; or the row itself, where that is a value.</summary>
/// <param name="Name">Name in the type.</param>
/// <param name="Column">Name of the column, where an attribute says it.</param>
/// <param name="Type">Its type.</param>
/// <param name="TakesNull">Whether it may be null.</param>
/// <param name="Optional">Whether the column may be missing: the parameter has a default.</param>
/// <param name="TypeName">DuckDB's name of the column's type, where an attribute says it; for decimals.</param>
internal sealed record RowMember(string Name, string? Column, Type Type, bool TakesNull, bool Optional, string? TypeName)
{
    /// <summary>The default of a parameter without a column.</summary>
    public object? Default { get; init; }

    /// <summary>Sets it after the row is made; null: a parameter of the constructor, or the row itself.</summary>
    public MemberInfo? Setter { get; init; }

    /// <summary>The value without null.</summary>
    public Type Core => Nullable.GetUnderlyingType(Type) ?? Type;

    public static RowMember Of(ParameterInfo parameter, PropertyInfo? property) => new(
        parameter.Name!, Attribute(parameter, property)?.Name, parameter.ParameterType, NullState(parameter.ParameterType, static (info, p) => info.Create((ParameterInfo)p), parameter),
        parameter.HasDefaultValue, Attribute(parameter, property)?.TypeName)
    {
        Default = parameter.HasDefaultValue ? parameter.DefaultValue : null,
    };

    public static RowMember Of(PropertyInfo property) => new(
        property.Name, property.GetCustomAttribute<ColumnAttribute>()?.Name, property.PropertyType, NullState(property.PropertyType, static (info, p) => info.Create((PropertyInfo)p), property),
        false, property.GetCustomAttribute<ColumnAttribute>()?.TypeName)
    {
        Setter = property,
    };

    public static RowMember Of(FieldInfo field) => new(
        field.Name, field.GetCustomAttribute<ColumnAttribute>()?.Name, field.FieldType, NullState(field.FieldType, static (info, f) => info.Create((FieldInfo)f), field),
        false, field.GetCustomAttribute<ColumnAttribute>()?.TypeName)
    {
        Setter = field,
    };

    /// <summary>Reads it from a row.</summary>
    public Expression Get(Expression row) => Setter switch
    {
        PropertyInfo property => Expression.Property(row, property),
        FieldInfo field => Expression.Field(row, field),
        _ => row,
    };

    private static ColumnAttribute? Attribute(ParameterInfo parameter, PropertyInfo? property) =>
        parameter.GetCustomAttribute<ColumnAttribute>() ?? property?.GetCustomAttribute<ColumnAttribute>();

    private static bool NullState(Type type, Func<NullabilityInfoContext, object, NullabilityInfo> info, object member) =>
        type.IsValueType ? Nullable.GetUnderlyingType(type) is not null : info(new NullabilityInfoContext(), member).WriteState != NullabilityState.NotNull;
}
