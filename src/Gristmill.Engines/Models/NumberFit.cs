using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using Apache.Arrow;

namespace Gristmill.Engines;

/// <summary>
/// Gives a model numbers in the type it computes with, and refuses those that would become other numbers: a fraction where
/// it takes integers, and what is out of its type's range. Only rounding to a nearby float is taken for the same number.
/// </summary>
public static class NumberFit
{
    /// <summary>Whether a column holds numbers that <see cref="Convert{TOut}"/> reads.</summary>
    public static bool IsNumeric(IArrowArray column) => column is FloatArray or DoubleArray or HalfFloatArray or Int8Array or UInt8Array or Int16Array
        or UInt16Array or Int32Array or UInt32Array or Int64Array or UInt64Array or BooleanArray;

    /// <summary>Converts a column. What lies under a null is not looked at and becomes zero.</summary>
    /// <typeparam name="TOut">The number type wanted.</typeparam>
    /// <param name="column">Numbers, or booleans as 1 and 0.</param>
    /// <param name="name">The column's name, for errors.</param>
    /// <param name="firstRow">The row of the first value, for errors.</param>
    /// <param name="perRow">Values of one row.</param>
    /// <param name="target">Where they go.</param>
    /// <param name="step">From one to the next there.</param>
    /// <exception cref="GristmillException">
    /// <see cref="ErrorCodes.TypeMismatch"/>: it is no column of numbers, or holds a fraction where integers are taken;
    /// <see cref="ErrorCodes.BadValue"/>: a number is out of range.
    /// </exception>
    public static void Convert<TOut>(IArrowArray column, string name, int firstRow, int perRow, Span<TOut> target, int step = 1)
        where TOut : unmanaged, INumber<TOut>
    {
        switch (column)
        {
            case FloatArray a: Convert(a.Values, a, name, firstRow, perRow, target, step); break;
            case DoubleArray a: Convert(a.Values, a, name, firstRow, perRow, target, step); break;
            case HalfFloatArray a: Convert(a.Values, a, name, firstRow, perRow, target, step); break;
            case Int8Array a: Convert(a.Values, a, name, firstRow, perRow, target, step); break;
            case UInt8Array a: Convert(a.Values, a, name, firstRow, perRow, target, step); break;
            case Int16Array a: Convert(a.Values, a, name, firstRow, perRow, target, step); break;
            case UInt16Array a: Convert(a.Values, a, name, firstRow, perRow, target, step); break;
            case Int32Array a: Convert(a.Values, a, name, firstRow, perRow, target, step); break;
            case UInt32Array a: Convert(a.Values, a, name, firstRow, perRow, target, step); break;
            case Int64Array a: Convert(a.Values, a, name, firstRow, perRow, target, step); break;
            case UInt64Array a: Convert(a.Values, a, name, firstRow, perRow, target, step); break;
            case BooleanArray a:
                for (var i = 0; i < a.Length; i++)
                {
                    target[i * step] = a.GetValue(i) is true ? TOut.One : TOut.Zero;
                }

                break;
            default:
                throw new GristmillException(ErrorCodes.TypeMismatch, $"Column '{name}' is {column?.Data.DataType.Name}, the model takes a number.", "Cast the column in SQL.")
                    .With("column", name);
        }
    }

    /// <summary>The error of a fraction where integers are taken.</summary>
    /// <param name="number">The number as it was given.</param>
    /// <param name="type">The type's name.</param>
    /// <param name="name">Its column or field.</param>
    /// <param name="row">Its row.</param>
    public static GristmillException Fraction(string number, string type, string name, int row) =>
        Refuse(ErrorCodes.TypeMismatch, $"'{name}' is {number}, where the model takes a whole number ({type})", "Round it, or send the column the model was made for.", name, row);

    /// <summary>The error of a number outside a type.</summary>
    /// <param name="number">The number as it was given.</param>
    /// <param name="type">The type's name.</param>
    /// <param name="name">Its column or field.</param>
    /// <param name="row">Its row.</param>
    public static GristmillException OutOfRange(string number, string type, string name, int row) =>
        Refuse(ErrorCodes.BadValue, $"'{name}' is {number}, which no {type} holds", "Send a number that the model's type holds.", name, row);

    /// <summary>What people call a number type.</summary>
    public static string NameOf<T>() => default(T) switch
    {
        float => "32-bit float",
        double => "64-bit float",
        Half => "16-bit float",
        sbyte => "int8",
        byte => "uint8",
        short => "int16",
        ushort => "uint16",
        int => "int32",
        uint => "uint32",
        long => "int64",
        ulong => "uint64",
        _ => typeof(T).Name,
    };

    /// <summary>Whether a type has integers alone.</summary>
    public static bool IsInteger<T>()
        where T : INumber<T> => T.CreateTruncating(0.5) == T.Zero;

    private static void Convert<TIn, TOut>(ReadOnlySpan<TIn> values, IArrowArray column, string name, int firstRow, int perRow, Span<TOut> target, int step)
        where TIn : unmanaged, INumber<TIn>
        where TOut : unmanaged, INumber<TOut>
    {
        var nulls = column.NullCount != 0;
        if (typeof(TIn) == typeof(TOut) && step == 1 && !nulls)
        {
            MemoryMarshal.Cast<TIn, TOut>(values).CopyTo(target);
            return;
        }

        for (var i = 0; i < values.Length; i++)
        {
            target[i * step] = nulls && column.IsNull(i) ? TOut.Zero : Convert<TIn, TOut>(values[i], name, firstRow + (i / perRow));
        }
    }

    private static TOut Convert<TIn, TOut>(TIn value, string name, int row)
        where TIn : unmanaged, INumber<TIn>
        where TOut : unmanaged, INumber<TOut>
    {
        if (!IsInteger<TOut>())
        {
            var rounded = TOut.CreateSaturating(value);
            return TOut.IsInfinity(rounded) && TIn.IsFinite(value) ? throw OutOfRange(Text(value), NameOf<TOut>(), name, row) : rounded;
        }

        if (!TIn.IsInteger(value))
        {
            throw TIn.IsFinite(value) ? Fraction(Text(value), NameOf<TOut>(), name, row) : OutOfRange(Text(value), NameOf<TOut>(), name, row);
        }

        try
        {
            return TOut.CreateChecked(value);
        }
        catch (OverflowException)
        {
            throw OutOfRange(Text(value), NameOf<TOut>(), name, row);
        }
    }

    private static string Text<T>(T value)
        where T : INumber<T> => value.ToString(null, CultureInfo.InvariantCulture);

    private static GristmillException Refuse(string code, string what, string hint, string name, int row) =>
        new GristmillException(code, $"Row {row.ToString(CultureInfo.InvariantCulture)}: {what}.", hint)
            .With("column", name).With("row", row.ToString(CultureInfo.InvariantCulture));
}
