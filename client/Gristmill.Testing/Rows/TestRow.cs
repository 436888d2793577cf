using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Gristmill.Testing;

/// <summary>
/// One row of a table, by column name. Text is string, dates are DateOnly, instants DateTime or (with a time zone) DateTimeOffset, lists
/// object arrays, structs dictionaries, missing values null.
/// </summary>
[SuppressMessage("Naming", "CA1710:Identifiers should have correct suffix", Justification = "A row is what it is called in the field.")]
public sealed class TestRow : IReadOnlyDictionary<string, object?>
{
    private readonly string[] _names;
    private readonly object?[] _values;

    internal TestRow(string[] names, object?[] values)
    {
        _names = names;
        _values = values;
    }

    /// <summary>The value of a column.</summary>
    /// <exception cref="KeyNotFoundException">There is no such column; the message names those there are.</exception>
    public object? this[string key] => TryGetValue(key, out var value)
        ? value
        : throw new KeyNotFoundException($"There is no column '{key}'; there are {string.Join(", ", _names)}.");

    /// <inheritdoc/>
    public IEnumerable<string> Keys => _names;

    /// <inheritdoc/>
    public IEnumerable<object?> Values => _values;

    /// <inheritdoc/>
    public int Count => _names.Length;

    /// <summary>The value of a column as a type it can be converted to.</summary>
    /// <exception cref="InvalidCastException">It cannot.</exception>
    public T Get<T>(string column)
    {
        var value = this[column];
        if (value is T same)
        {
            return same;
        }

        if (value is null && default(T) is null)
        {
            return default!;
        }

        try
        {
            return (T)Convert.ChangeType(value ?? throw new InvalidCastException($"Column '{column}' is missing here."),
                Nullable.GetUnderlyingType(typeof(T)) ?? typeof(T), CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is FormatException or OverflowException or InvalidCastException)
        {
            throw new InvalidCastException($"Column '{column}' holds {value ?? "null"} ({value?.GetType().Name ?? "missing"}), which is no {typeof(T).Name}.", e);
        }
    }

    /// <inheritdoc/>
    public bool ContainsKey(string key) => Array.IndexOf(_names, key) >= 0;

    /// <inheritdoc/>
    public bool TryGetValue(string key, [MaybeNullWhen(false)] out object? value)
    {
        var at = Array.IndexOf(_names, key);
        value = at >= 0 ? _values[at] : null;
        return at >= 0;
    }

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, object?>> GetEnumerator() => _names.Zip(_values, KeyValuePair.Create).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <inheritdoc/>
    public override string ToString() =>
        $"{{ {string.Join(", ", this.Select(cell => string.Create(CultureInfo.InvariantCulture, $"{cell.Key} = {cell.Value ?? "null"}")))} }}";
}
