namespace Gristmill;

/// <summary>Which C# types parameters can have.</summary>
internal static class ParameterTypes
{
    public static ParameterType Of(Type type, string name) => Single(type) ?? List(type) ?? throw new GristmillException(
        ErrorCodes.Invalid, $"Parameter '{name}' is a {type.Name}, which a parameter cannot be.",
        "Use string, bool, int, long, float, double, DateOnly, DateTime or DateTimeOffset, or an array of text, numbers or dates.");

    private static ParameterType? Single(Type type) =>
        type == typeof(string) ? ParameterType.String
        : type == typeof(bool) ? ParameterType.Boolean
        : type == typeof(int) || type == typeof(long) ? ParameterType.Integer
        : type == typeof(double) || type == typeof(float) ? ParameterType.Number
        : type == typeof(DateOnly) ? ParameterType.Date
        : type == typeof(DateTime) || type == typeof(DateTimeOffset) ? ParameterType.Timestamp
        : null;

    private static ParameterType? List(Type type) => !type.IsArray ? null : Single(type.GetElementType()!) switch
    {
        ParameterType.String => ParameterType.StringList,
        ParameterType.Integer => ParameterType.IntegerList,
        ParameterType.Number => ParameterType.NumberList,
        ParameterType.Date => ParameterType.DateList,
        _ => null,
    };
}
