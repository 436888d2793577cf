using System.Reflection;
using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Hosting;

/// <summary>What Flight SQL's clients may ask about the server, each fact by the protocol's number for it.</summary>
internal static class FlightSqlInfo
{
    /// <summary>The places of a fact's kinds in the union "value".</summary>
    private const byte TextKind = 0, BoolKind = 1, Int64Kind = 2, BitsKind = 3;

    private static readonly UnionType s_value = new(
        [
            new Field("string_value", StringType.Default, true),
            new Field("bool_value", BooleanType.Default, true),
            new Field("bigint_value", Int64Type.Default, true),
            new Field("int32_bitmask", Int32Type.Default, true),
            new Field("string_list", new ListType(new Field("item", StringType.Default, true)), true),
            new Field("int32_to_int32_list_map", new MapType(new Field("key", Int32Type.Default, false), new Field("value", new ListType(new Field("item", Int32Type.Default, true)), true)), true),
        ],
        [0, 1, 2, 3, 4, 5], UnionMode.Dense);

    public static Schema Schema { get; } = new([new Field("info_name", UInt32Type.Default, false), new Field("value", s_value, false)], null);

    private static readonly (int Number, object Value)[] s_facts =
    [
        (0, "Gristmill"), // server name
        (1, typeof(FlightSqlInfo).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0"),
        (2, typeof(Schema).Assembly.GetName().Version?.ToString(3) ?? "0"), // Arrow's version
        (3, true), // reads only
        (4, true), // SQL
        (5, false), // Substrait
        (8, 0), // transactions: none
        (9, false), // cancel
        (504, "\""), // the quote of identifiers
    ];

    /// <summary>The facts asked for; all, if none is named.</summary>
    public static IArrowArray[] Rows(List<int> numbers)
    {
        var facts = s_facts.Where(fact => numbers.Count == 0 || numbers.Contains(fact.Number)).ToList();
        var names = new UInt32Array.Builder();
        var (kinds, places) = (new ArrowBuffer.Builder<byte>(), new ArrowBuffer.Builder<int>());
        var (texts, truths, longs, bits) = (new StringArray.Builder(), new BooleanArray.Builder(), new Int64Array.Builder(), new Int32Array.Builder());
        foreach (var (number, value) in facts)
        {
            names.Append((uint)number);
            var (kind, place) = value switch
            {
                string text => (TextKind, texts.Append(text).Length - 1),
                bool truth => (BoolKind, truths.Append(truth).Length - 1),
                long number64 => (Int64Kind, longs.Append(number64).Length - 1),
                _ => (BitsKind, bits.Append((int)value).Length - 1),
            };
            kinds.Append(kind);
            places.Append(place);
        }

        var list = s_value.Fields[4].DataType;
        var map = s_value.Fields[5].DataType;
        ArrayData[] children = [texts.Build().Data, truths.Build().Data, longs.Build().Data, bits.Build().Data, Empty(list).Data, Empty(map).Data];
        var union = ArrowArrayFactory.BuildArray(new ArrayData(s_value, facts.Count, 0, 0, [kinds.Build(), places.Build()], children));
        return [names.Build(), union];
    }

    private static ListArray Empty(IArrowType type) => type switch
    {
        MapType map => new MapArray.Builder(map).Build(),
        ListType list => new ListArray.Builder(list.ValueField).Build(),
        _ => throw new NotSupportedException(type.Name),
    };
}
