using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Engines;

/// <summary>Small tables for tests.</summary>
internal static class Tables
{
    public static RecordBatch Of(params (string Name, IArrowArray Column)[] columns) => new(
        new Schema(columns.Select(c => new Field(c.Name, c.Column.Data.DataType, nullable: true)), null),
        columns.Select(c => c.Column), columns[0].Column.Length);

    public static DoubleArray Doubles(params double?[] values)
    {
        var builder = new DoubleArray.Builder();
        foreach (var value in values)
        {
            _ = value is { } v ? builder.Append(v) : builder.AppendNull();
        }

        return builder.Build();
    }

    public static FloatArray Floats(params float?[] values)
    {
        var builder = new FloatArray.Builder();
        foreach (var value in values)
        {
            _ = value is { } v ? builder.Append(v) : builder.AppendNull();
        }

        return builder.Build();
    }

    public static Int64Array Longs(params long?[] values)
    {
        var builder = new Int64Array.Builder();
        foreach (var value in values)
        {
            _ = value is { } v ? builder.Append(v) : builder.AppendNull();
        }

        return builder.Build();
    }

    public static BooleanArray Booleans(params bool?[] values)
    {
        var builder = new BooleanArray.Builder();
        foreach (var value in values)
        {
            _ = value is { } v ? builder.Append(v) : builder.AppendNull();
        }

        return builder.Build();
    }

    public static StringArray Strings(params string?[] values)
    {
        var builder = new StringArray.Builder();
        foreach (var value in values)
        {
            _ = value is null ? builder.AppendNull() : builder.Append(value);
        }

        return builder.Build();
    }

    public static TimestampArray Timestamps(TimeUnit unit, params DateTimeOffset?[] values)
    {
        var builder = new TimestampArray.Builder(new TimestampType(unit, "UTC"));
        foreach (var value in values)
        {
            _ = value is { } v ? builder.Append(v) : builder.AppendNull();
        }

        return builder.Build();
    }

    /// <summary>Dictionary-encoded text, with the given dictionary and an index of the given type a row.</summary>
    public static DictionaryArray Coded(string?[] dictionary, params int?[] indices)
    {
        var builder = new Int8Array.Builder();
        foreach (var index in indices)
        {
            _ = index is { } i ? builder.Append((sbyte)i) : builder.AppendNull();
        }

        return new DictionaryArray(new DictionaryType(Int8Type.Default, StringType.Default, false), builder.Build(), Strings(dictionary));
    }

    public static float[] Encode(this FeatureEncoder encoder, RecordBatch batch)
    {
        var matrix = new float[batch.Length * encoder.Width];
        encoder.Encode(batch, matrix);
        return matrix;
    }

    public static TransformSpec Spec(TransformKind kind, params string[] columns) => new(kind, [.. columns]);

    public static FeatureEncoder Fit(RecordBatch batch, string? label, params TransformSpec[] specs) =>
        FeatureEncoder.Fit(new FeaturePlan([.. specs]), [batch], label);
}
