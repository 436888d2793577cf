using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;
using Gristmill.Engines;

namespace Gristmill.Hosting;

/// <summary>Reads a JSON number as the number type that a model computes with.</summary>
internal static class JsonNumber
{
    /// <summary>Reads the number that the reader stands on: exactly as an integer, where 5.0 and 5e0 are 5; else rounded to the nearest float.</summary>
    /// <exception cref="GristmillException">
    /// <see cref="ErrorCodes.TypeMismatch"/>: a fraction where the model takes integers; <see cref="ErrorCodes.BadValue"/>: out of range.
    /// </exception>
    public static T Read<T>(ref Utf8JsonReader reader, string field, int row)
        where T : unmanaged, INumber<T>
    {
        var text = reader.ValueSpan;
        if (T.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && T.IsFinite(value))
        {
            return value;
        }

        var number = Encoding.UTF8.GetString(text);
        throw NumberFit.IsInteger<T>() && IsFraction(text)
            ? NumberFit.Fraction(number, NumberFit.NameOf<T>(), field, row)
            : NumberFit.OutOfRange(number, NumberFit.NameOf<T>(), field, row);
    }

    // Of what no T holds: a whole number that is too large for 128 bits is too large for a 64-bit float to be a fraction, too.
    private static bool IsFraction(ReadOnlySpan<byte> number) =>
        !Int128.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out _)
        && Math.Abs(double.Parse(number, NumberStyles.Float, CultureInfo.InvariantCulture)) < 1e38;
}
