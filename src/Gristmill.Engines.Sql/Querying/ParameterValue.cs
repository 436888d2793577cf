using System.Globalization;
using System.Numerics;
using System.Text.Json;
using DuckDB.NET.Native;
using Values = DuckDB.NET.Native.NativeMethods.Value;

namespace Gristmill.Engines.Sql.Querying;

/// <summary>A JSON value as a typed DuckDB value.</summary>
internal static class ParameterValue
{
    /// <summary>Creates the value of a parameter.</summary>
    /// <exception cref="GristmillException">invalid, naming the parameter and the value.</exception>
    public static DuckDBValue Create(string parameter, JsonElement json)
    {
        try
        {
            return json.ValueKind switch
            {
                JsonValueKind.Null or JsonValueKind.Undefined => Values.DuckDBCreateNullValue(),
                JsonValueKind.True or JsonValueKind.False => Values.DuckDBCreateBool(json.GetBoolean()),
                JsonValueKind.Number => Number(json),
                JsonValueKind.String => Values.DuckDBCreateVarchar(json.GetString()!),
                JsonValueKind.Array => List(parameter, json),
                _ => Tagged(json),
            };
        }
        catch (Exception e) when (e is FormatException or OverflowException or InvalidOperationException)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"The value of the parameter ${parameter} is not well formed: {json.GetRawText()}.",
                "Use a JSON literal, or $date, $time, $timestamp, $decimal, $double or $blob with a string in ISO 8601 or invariant form.", e)
                .With("parameter", parameter);
        }
    }

    private static DuckDBValue Number(JsonElement json)
    {
        if (json.TryGetInt32(out var small))
        {
            return Values.DuckDBCreateInt32(small);
        }

        if (json.TryGetInt64(out var large))
        {
            return Values.DuckDBCreateInt64(large);
        }

        var text = json.GetRawText();
        return text.AsSpan().ContainsAny('.', 'e', 'E')
            ? Values.DuckDBCreateDouble(json.GetDouble())
            : Values.DuckDBCreateHugeInt(new DuckDBHugeInt(BigInteger.Parse(text, CultureInfo.InvariantCulture)));
    }

    private static DuckDBValue Tagged(JsonElement json)
    {
        var properties = json.EnumerateObject().ToArray();
        if (properties.Length != 1)
        {
            throw new FormatException("An object must have one member.");
        }

        var text = properties[0].Value.GetString() ?? throw new FormatException("The member must be a string.");
        return properties[0].Name switch
        {
            "$date" => Values.DuckDBCreateDate(DuckDBDateOnly.FromDateOnly(DateOnly.ParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture)).ToDuckDBDate()),
            "$time" => Time(TimeOnly.Parse(text, CultureInfo.InvariantCulture)),
            "$timestamp" => Timestamp(text),
            "$decimal" => Decimal(text),
            "$double" => Values.DuckDBCreateDouble(Positive(double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture))),
            "$blob" => Blob(Convert.FromBase64String(text)),
            var other => throw new FormatException($"There is no '{other}'."),
        };
    }

    /// <summary>.NET's NaN has its sign bit set, which DuckDB would print.</summary>
    private static double Positive(double value) => double.IsNaN(value) ? BitConverter.UInt64BitsToDouble(0x7FF8_0000_0000_0000) : value;

    private static DuckDBValue Blob(byte[] bytes) => Values.DuckDBCreateBlob(bytes, bytes.Length);

    private static DuckDBValue Time(TimeOnly time) => Values.DuckDBCreateTime(
        NativeMethods.DateTimeHelpers.DuckDBToTime(new DuckDBTimeOnly((byte)time.Hour, (byte)time.Minute, (byte)time.Second, (int)(time.Ticks / 10 % 1_000_000))));

    private static DuckDBValue Timestamp(string text)
    {
        // Kind says whether the text has an offset: then it names an instant, otherwise a time on some wall.
        var parsed = DateTime.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind);
        var utc = parsed.Kind == DateTimeKind.Unspecified ? parsed : parsed.ToUniversalTime();
        var value = DuckDBTimestamp.FromDateTime(DateTime.SpecifyKind(utc, DateTimeKind.Unspecified)).ToDuckDBTimestampStruct();
        return parsed.Kind == DateTimeKind.Unspecified ? Values.DuckDBCreateTimestamp(value) : Values.DuckDBCreateTimestampTz(value);
    }

    private static DuckDBValue Decimal(string text)
    {
        var negative = text.StartsWith('-');
        var digits = negative ? text[1..] : text;
        var point = digits.IndexOf('.', StringComparison.Ordinal);
        var scale = point < 0 ? 0 : digits.Length - point - 1;
        var all = point < 0 ? digits : digits.Remove(point, 1);
        if (all.Length is 0 or > 38 || all.AsSpan().ContainsAnyExceptInRange('0', '9'))
        {
            throw new FormatException("A decimal has 1 to 38 digits.");
        }

        var unscaled = BigInteger.Parse(all, CultureInfo.InvariantCulture);
        return Values.DuckDBCreateDecimal(new DuckDBDecimal((byte)all.Length, (byte)scale, new DuckDBHugeInt(negative ? -unscaled : unscaled)));
    }

    private static DuckDBValue List(string parameter, JsonElement json)
    {
        var items = json.EnumerateArray().Select(item => Create(parameter, item)).ToArray();
        try
        {
            using var type = ItemType(json, items);
            return Values.DuckDBCreateListValue(type, items, items.Length);
        }
        finally
        {
            foreach (var item in items)
            {
                item.Dispose();
            }
        }
    }

    private static DuckDBLogicalType ItemType(JsonElement json, DuckDBValue[] items)
    {
        var types = new List<DuckDBType>();
        foreach (var item in items)
        {
            if (!item.IsNull())
            {
                using var type = Values.DuckDBGetValueType(item);
                types.Add(NativeMethods.LogicalType.DuckDBGetTypeId(type));

                // The type belongs to the value and goes with it: freed by its handle, it would be freed twice.
                type.SetHandleAsInvalid();
            }
        }

        var distinct = types.Distinct().ToArray();
        return distinct switch
        {
            [] => NativeMethods.LogicalType.DuckDBCreateLogicalType(DuckDBType.Varchar),
            [var one] when one is not (DuckDBType.List or DuckDBType.Decimal) => NativeMethods.LogicalType.DuckDBCreateLogicalType(one),
            _ when distinct.All(type => type is DuckDBType.Integer or DuckDBType.BigInt) => NativeMethods.LogicalType.DuckDBCreateLogicalType(DuckDBType.BigInt),
            _ when distinct.All(type => type is DuckDBType.Integer or DuckDBType.BigInt or DuckDBType.HugeInt or DuckDBType.Double) =>
                NativeMethods.LogicalType.DuckDBCreateLogicalType(DuckDBType.Double),
            _ => throw new FormatException($"The items of {json.GetRawText()} are of several types."),
        };
    }
}
