namespace Gristmill;

/// <summary>Which C# types parameters can have.</summary>
internal static class ParameterTypes
{
    public static ParameterType Of(Type type, string name) =>
        type == typeof(string) ? ParameterType.String
        : type == typeof(bool) ? ParameterType.Boolean
        : type == typeof(int) || type == typeof(long) ? ParameterType.Integer
        : type == typeof(double) || type == typeof(float) ? ParameterType.Number
        : type == typeof(DateOnly) ? ParameterType.Date
        : type == typeof(DateTime) || type == typeof(DateTimeOffset) ? ParameterType.Timestamp
        : throw new GristmillException(ErrorCodes.Invalid, $"Parameter '{name}' is a {type.Name}, which a parameter cannot be.",
            "Use string, bool, int, long, float, double, DateOnly, DateTime or DateTimeOffset.");
}
