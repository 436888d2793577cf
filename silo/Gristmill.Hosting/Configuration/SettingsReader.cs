using System.ComponentModel;
using Microsoft.Extensions.Configuration;

namespace Gristmill.Hosting;

/// <summary>
/// Reads settings into options. Unlike the binder alone it knows what is no setting, and names every value that cannot be read.
/// </summary>
internal static class SettingsReader
{
    /// <summary>Sets what a section says.</summary>
    /// <returns>What is wrong with it, a sentence each; those settings keep their default.</returns>
    public static IReadOnlyList<string> Bind<T>(IConfigurationSection section, T options)
        where T : class
    {
        var problems = new List<string>();
        var good = new Dictionary<string, string?>();
        var known = typeof(T).GetProperties().ToDictionary(static property => property.Name, StringComparer.OrdinalIgnoreCase);
        foreach (var setting in section.GetChildren())
        {
            if (!known.TryGetValue(setting.Key, out var property))
            {
                var near = NearestName.Of(setting.Key, known.Keys);
                problems.Add($"{setting.Path} is no setting.{(near is null ? "" : $" Did you mean {section.Path}:{near}?")}");
                continue;
            }

            // Of a dictionary or a list its entries are the values.
            var isMany = property.PropertyType.IsGenericType && property.PropertyType.GetGenericTypeDefinition() is var generic && (generic == typeof(Dictionary<,>) || generic == typeof(List<>));
            if (isMany && setting.Value is { Length: > 0 } single)
            {
                problems.Add($"{setting.Path} is '{single}': it has several values, each under a key of its own, such as {setting.Path}:{(property.PropertyType.GetGenericTypeDefinition() == typeof(List<>) ? "0" : "NAME")}.");
                continue;
            }

            var (type, values) = isMany ? (property.PropertyType.GetGenericArguments()[^1], setting.GetChildren()) : (property.PropertyType, [setting]);
            foreach (var value in values)
            {
                if (value.Value is { } text && Problem(type, text) is { } problem)
                {
                    problems.Add($"{value.Path} is '{text}': {problem}.");
                }
                else
                {
                    good[value.Path] = value.Value;
                }
            }
        }

        new ConfigurationBuilder().AddInMemoryCollection(good).Build().GetSection(section.Path).Bind(options);
        return problems;
    }

    private static string? Problem(Type type, string text)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        try
        {
            // As the binder converts.
            TypeDescriptor.GetConverter(type).ConvertFromInvariantString(text);
            return null;
        }
        catch (Exception e) when (e is FormatException or ArgumentException or OverflowException or NotSupportedException)
        {
            return type.IsEnum ? $"{string.Join(" or ", Enum.GetNames(type).Select(static name => name.ToLowerInvariant()))}"
                : type == typeof(bool) ? "true or false"
                : type == typeof(TimeSpan) ? "a time, such as 00:30:00 or 7.00:00:00"
                : type == typeof(double) ? "a number"
                : "a whole number";
        }
    }
}
