using System.Collections;
using System.Reflection;

namespace Gristmill;

/// <summary>Which results of users' methods are metrics and which are values, by their types: the SDK at definition and the worker in the run go by this.</summary>
public static class CodeResults
{
    /// <summary>Whether a type is a number or a truth value, or a nullable one.</summary>
    public static bool IsNumber(Type type)
    {
        ArgumentNullException.ThrowIfNull(type);
        type = Nullable.GetUnderlyingType(type) ?? type;
        return !type.IsEnum && (Type.GetTypeCode(type) is >= TypeCode.SByte and <= TypeCode.Decimal or TypeCode.Boolean || type == typeof(Half));
    }

    /// <summary>Whether a type is metrics: a number, a dictionary from text to numbers, or a record or class of nothing but numbers.</summary>
    public static bool IsMetrics(Type type)
    {
        ArgumentNullException.ThrowIfNull(type);
        if (IsNumber(type))
        {
            return true;
        }

        if (type.GetInterfaces().Prepend(type).FirstOrDefault(static i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IEnumerable<>)) is { GenericTypeArguments: [var item] })
        {
            return item.IsGenericType && item.GetGenericTypeDefinition() == typeof(KeyValuePair<,>) && item.GenericTypeArguments is [var key, var value]
                && key == typeof(string) && IsNumber(value);
        }

        // A TimeSpan or a Version has numbers and means something else.
        if (typeof(IEnumerable).IsAssignableFrom(type) || type.Namespace == "System" || type.IsInterface)
        {
            return false;
        }

        var properties = type.GetProperties(BindingFlags.Instance | BindingFlags.Public);
        return properties.Length > 0 && properties.All(static p => p.GetIndexParameters().Length == 0 && IsNumber(p.PropertyType));
    }
}
