using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Objects;

namespace Gristmill.Testing;

/// <summary>
/// Writes rows into the store. A column is a property: its name in camelCase (so that of <c>new { late = true }</c> stays) or what its
/// JsonPropertyName says; its type is the property's. Rows that are dictionaries have the columns of their keys.
/// </summary>
internal static class RowWriter
{
    public static ObjectRef Write<T>(ObjectStore store, IEnumerable<T> rows)
    {
        var list = rows.ToList();
        var columns = Columns(list);
        if (columns.Count == 0)
        {
            throw new ArgumentException($"Rows of {typeof(T).Name} have no columns: use an anonymous type, a record or a dictionary.", nameof(rows));
        }

        var schema = new Schema([.. columns.Select(c => new Field(c.Name, TypeOf(c.Type, c.Name), nullable: true))], null);
        using var writer = store.Create(schema);
        using var batch = new RecordBatch(schema, [.. columns.Select(c => Build(c, list))], list.Count);
        writer.Append(batch);
        return writer.Seal();
    }

    private static List<Column<T>> Columns<T>(List<T> rows)
    {
        if (typeof(T).IsAssignableTo(typeof(IEnumerable<KeyValuePair<string, object?>>)))
        {
            var cells = rows.SelectMany(row => (IEnumerable<KeyValuePair<string, object?>>)row!).ToList();
            return [.. cells.Select(cell => cell.Key).Distinct(StringComparer.Ordinal).Select(name => new Column<T>(
                name,
                cells.FirstOrDefault(cell => cell.Key == name && cell.Value is not null).Value?.GetType() ?? typeof(string),
                row => ((IEnumerable<KeyValuePair<string, object?>>)row!).FirstOrDefault(cell => cell.Key == name).Value))];
        }

        return [.. typeof(T).GetProperties(BindingFlags.Instance | BindingFlags.Public)
            .Where(p => p.CanRead && p.GetIndexParameters().Length == 0 && p.GetCustomAttribute<JsonIgnoreAttribute>() is null)
            .OrderBy(p => p.MetadataToken)
            .Select(p => new Column<T>(
                p.GetCustomAttribute<JsonPropertyNameAttribute>()?.Name ?? JsonNamingPolicy.CamelCase.ConvertName(p.Name), p.PropertyType, row => p.GetValue(row)))];
    }

    private static IArrowType TypeOf(Type type, string column)
    {
        var plain = Nullable.GetUnderlyingType(type) ?? type;
        return plain == typeof(string) || plain.IsEnum ? StringType.Default
            : plain == typeof(bool) ? BooleanType.Default
            : plain == typeof(sbyte) ? Int8Type.Default
            : plain == typeof(short) ? Int16Type.Default
            : plain == typeof(int) ? Int32Type.Default
            : plain == typeof(long) ? Int64Type.Default
            : plain == typeof(byte) ? UInt8Type.Default
            : plain == typeof(ushort) ? UInt16Type.Default
            : plain == typeof(uint) ? UInt32Type.Default
            : plain == typeof(ulong) ? UInt64Type.Default
            : plain == typeof(float) ? FloatType.Default
            : plain == typeof(double) || plain == typeof(decimal) ? DoubleType.Default
            : plain == typeof(DateOnly) ? Date32Type.Default
            : plain == typeof(DateTime) ? new TimestampType(TimeUnit.Microsecond, (string?)null)
            : plain == typeof(DateTimeOffset) ? new TimestampType(TimeUnit.Microsecond, "UTC")
            : ItemOf(plain) is { } item ? new ListType(TypeOf(item, column))
            : throw new ArgumentException($"Column '{column}' is a {plain.Name}, which a table cannot hold.", column);
    }

    private static Type? ItemOf(Type type) => type.GetInterfaces().Prepend(type)
        .FirstOrDefault(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IEnumerable<>))?.GenericTypeArguments[0];

    private static IArrowArray Build<T>(Column<T> column, List<T> rows) => Build(TypeOf(column.Type, column.Name), rows.Select(column.Value));

    private static IArrowArray Build(IArrowType type, IEnumerable<object?> values) => type switch
    {
        StringType => Fill(new StringArray.Builder(), values, (b, v) => b.Append(Convert.ToString(v, CultureInfo.InvariantCulture)), b => b.AppendNull()).Build(),
        BooleanType => Fill(new BooleanArray.Builder(), values, (b, v) => b.Append((bool)v), b => b.AppendNull()).Build(),
        Int8Type => Fill(new Int8Array.Builder(), values, (b, v) => b.Append((sbyte)v), b => b.AppendNull()).Build(),
        Int16Type => Fill(new Int16Array.Builder(), values, (b, v) => b.Append((short)v), b => b.AppendNull()).Build(),
        Int32Type => Fill(new Int32Array.Builder(), values, (b, v) => b.Append((int)v), b => b.AppendNull()).Build(),
        Int64Type => Fill(new Int64Array.Builder(), values, (b, v) => b.Append((long)v), b => b.AppendNull()).Build(),
        UInt8Type => Fill(new UInt8Array.Builder(), values, (b, v) => b.Append((byte)v), b => b.AppendNull()).Build(),
        UInt16Type => Fill(new UInt16Array.Builder(), values, (b, v) => b.Append((ushort)v), b => b.AppendNull()).Build(),
        UInt32Type => Fill(new UInt32Array.Builder(), values, (b, v) => b.Append((uint)v), b => b.AppendNull()).Build(),
        UInt64Type => Fill(new UInt64Array.Builder(), values, (b, v) => b.Append((ulong)v), b => b.AppendNull()).Build(),
        FloatType => Fill(new FloatArray.Builder(), values, (b, v) => b.Append((float)v), b => b.AppendNull()).Build(),
        DoubleType => Fill(new DoubleArray.Builder(), values, (b, v) => b.Append(Convert.ToDouble(v, CultureInfo.InvariantCulture)), b => b.AppendNull()).Build(),
        Date32Type => Fill(new Date32Array.Builder(), values, (b, v) => b.Append((DateOnly)v), b => b.AppendNull()).Build(),
        TimestampType t => Fill(new TimestampArray.Builder(t), values,
            (b, v) => b.Append(v is DateTime local ? new DateTimeOffset(DateTime.SpecifyKind(local, DateTimeKind.Utc)) : (DateTimeOffset)v), b => b.AppendNull()).Build(),
        ListType t => Lists(t, values),
        _ => throw new NotSupportedException(type.Name),
    };

    private static TBuilder Fill<TBuilder>(TBuilder builder, IEnumerable<object?> values, Action<TBuilder, object> append, Action<TBuilder> missing)
    {
        foreach (var value in values)
        {
            if (value is null)
            {
                missing(builder);
            }
            else
            {
                append(builder, value);
            }
        }

        return builder;
    }

    private static ListArray Lists(ListType type, IEnumerable<object?> values)
    {
        var items = new List<object?>();
        var offsets = new ArrowBuffer.Builder<int>();
        var validity = new ArrowBuffer.BitmapBuilder();
        var (length, missing) = (0, 0);
        offsets.Append(0);
        foreach (var value in values)
        {
            items.AddRange(((IEnumerable?)value)?.Cast<object?>() ?? []);
            offsets.Append(items.Count);
            validity.Append(value is not null);
            missing += value is null ? 1 : 0;
            length++;
        }

        return new ListArray(type, length, offsets.Build(), Build(type.ValueDataType, items), validity.Build(), missing);
    }

    private sealed record Column<T>(string Name, Type Type, Func<T, object?> Value);
}
