using System.Collections.Immutable;
using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Engines;

/// <summary>The Arrow types of a model's inputs.</summary>
public static class InputTypes
{
    /// <summary>The inputs of a manifest.</summary>
    /// <param name="manifest">The manifest.</param>
    /// <param name="numberOf">The type of the numbers of a number or tensor input; null: 32-bit floats.</param>
    public static Schema Schema(ModelManifest manifest, Func<string, IArrowType?>? numberOf = null)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        return new Schema(manifest.Inputs.Select(input => new Field(input.Name, Of(input, numberOf?.Invoke(input.Name) ?? FloatType.Default), nullable: true)), null);
    }

    /// <summary>How many numbers a tensor input holds a row; a free dimension counts one.</summary>
    public static int TensorWidth(ImmutableArray<long>? shape) => checked((int)(shape ?? []).Where(extent => extent > 0).Aggregate(1L, (a, b) => checked(a * b)));

    private static IArrowType Of(ColumnSignature input, IArrowType number) => input.Type switch
    {
        ColumnType.Number => number,
        ColumnType.String => StringType.Default,
        ColumnType.Boolean => BooleanType.Default,
        ColumnType.Timestamp => new TimestampType(TimeUnit.Microsecond, "UTC"),
        _ => new FixedSizeListType(number, TensorWidth(input.Shape)),
    };
}
