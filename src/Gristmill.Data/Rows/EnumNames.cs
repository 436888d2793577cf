using System.Collections.Frozen;

namespace Gristmill.Data.Rows;

/// <summary>Names of an enum, whatever their case.</summary>
internal static class EnumNames<T>
    where T : struct, Enum
{
    private static readonly FrozenDictionary<string, T> s_values =
        Enum.GetNames<T>().DistinctBy(static name => name.ToUpperInvariant()).ToFrozenDictionary(static name => name, static name => Enum.Parse<T>(name), StringComparer.OrdinalIgnoreCase);
    private static readonly FrozenDictionary<T, string> s_names = Enum.GetValues<T>().Distinct().ToFrozenDictionary(static value => value, static value => value.ToString());

    public static T Parse(string text) => s_values.TryGetValue(text, out var value) ? value
        : throw new FormatException($"'{text}' is none of {string.Join(", ", Enum.GetNames<T>())}");

    public static string Name(T value) => s_names.TryGetValue(value, out var name) ? name : value.ToString();
}
