using Gristmill.Objects.Ipc;
using static Gristmill.Objects.Import.CraftedField;

namespace Gristmill.Objects.Import;

/// <summary>Schemas that no library could have made.</summary>
internal static partial class HostileFiles
{
    private static Hostile Type(string name, string says, int type, params FlatWriter.Slot[] parameters) => Field(name, says, new CraftedField("x", type, parameters));

    private static Hostile Field(string name, string says, CraftedField field) => new(name, () => Crafted.Stream(field), says);

    private static CraftedField Nested(int type, params CraftedField[] children) => new("x", type) { Children = children };

    private static IEnumerable<Hostile> Schemas()
    {
        yield return Type("no type", "has no type", 0);
        yield return Type("type that is not known", "has type 27", 27);
        yield return Field("integer of 24 bits", "integers of 24 bits", Integer("x", 24));
        yield return Field("integer of negative bits", "integers of -8 bits", Integer("x", -8));
        yield return Type("decimal of 7 bits", "of 7 bits", FixedDecimal, new(0, 4, 5), new(1, 4, 2), new(2, 4, 7));
        yield return Type("decimal of 0 bits", "of 0 bits", FixedDecimal, new(0, 4, 5), new(1, 4, 2), new(2, 4, 0));
        yield return Type("decimal without precision", "decimal(0, 2)", FixedDecimal, new(0, 4, 0), new(1, 4, 2), new(2, 4, 128));
        yield return Type("decimal of too much precision", "decimal(39, 2)", FixedDecimal, new(0, 4, 39), new(1, 4, 2), new(2, 4, 128));
        yield return Type("decimal of 32 bits with ten digits", "decimal(10, 2)", FixedDecimal, new(0, 4, 10), new(1, 4, 2), new(2, 4, 32));
        yield return Type("decimal of negative precision", "decimal(-1, 2)", FixedDecimal, new(0, 4, -1), new(1, 4, 2), new(2, 4, 256));
        yield return Type("float of unknown precision", "precision 3", Float, new FlatWriter.Slot(0, 2, 3));
        yield return Type("date of unknown unit", "date unit 2", Date, new FlatWriter.Slot(0, 2, 2));
        yield return Type("timestamp of unknown unit", "time unit 4", Timestamp, new FlatWriter.Slot(0, 2, 4));
        yield return Type("timestamp of negative unit", "time unit -1", Timestamp, new FlatWriter.Slot(0, 2, -1));
        yield return Type("duration of unknown unit", "time unit 9", Duration, new FlatWriter.Slot(0, 2, 9));
        yield return Type("time of 32 bits in nanoseconds", "a time of 32 bits", Time, new(0, 2, 3), new(1, 4, 32));
        yield return Type("time of 0 bits", "a time of 0 bits", Time, new(0, 2, 0), new(1, 4, 0));
        yield return Type("interval of unknown unit", "interval unit 3", Interval, new FlatWriter.Slot(0, 2, 3));
        yield return Type("fixed binary of negative width", "has size -1", FixedBinary, new FlatWriter.Slot(0, 4, -1));
        yield return Type("fixed binary of no width", "has size 0", FixedBinary, new FlatWriter.Slot(0, 4, 0));
        yield return Field("fixed list of nothing", "has size 0", new CraftedField("x", FixedList, new FlatWriter.Slot(0, 4, 0)) { Children = [Integer("item")] });
        yield return Type("fixed binary of 2 GB", "has size 2147483647", FixedBinary, new FlatWriter.Slot(0, 4, int.MaxValue));
        yield return Field("fixed list of negative size", "has size -1", new CraftedField("x", FixedList, new FlatWriter.Slot(0, 4, -1)) { Children = [Integer("item")] });
        yield return Field("list without a child", "0 children instead of one", Nested(List));
        yield return Field("list of two children", "2 children instead of one", Nested(LargeList, Integer("a"), Integer("b")));
        yield return Field("list view without a child", "0 children instead of one", Nested(ListView));
        yield return Field("map of numbers", "not pairs", Nested(Map, Integer("entries")));
        yield return Field("map of triples", "not pairs", Nested(Map, Nested(Struct, Integer("a"), Integer("b"), Integer("c"))));
        yield return Field("map without entries", "0 children instead of one", Nested(Map));
        yield return Field("run ends that are floats", "without run ends and values", Nested(RunEnd, new CraftedField("run_ends", Float, new FlatWriter.Slot(0, 2, 2)), Integer("values")));
        yield return Field("run ends that are unsigned", "without run ends and values", Nested(RunEnd, Integer("run_ends", 32, false), Integer("values")));
        yield return Field("run ends without values", "without run ends and values", Nested(RunEnd, Integer("run_ends")));
        yield return Field("union of unknown mode", "union mode 2", new CraftedField("x", Union, new FlatWriter.Slot(0, 2, 2)) { Children = [Integer("a")] });
        yield return Field("union with a negative type id", "union type ids", UnionOf(-1, 2));
        yield return Field("union with a type id of 128", "union type ids", UnionOf(128, 2));
        yield return Field("union with a type id twice", "union type ids", UnionOf(2, 2));
        yield return Field("union with fewer type ids than children", "union type ids", UnionOf(2));
        yield return Field("dictionary with indices of 24 bits", "integers of 24 bits", new CraftedField("x", Utf8) { Dictionary = 0, IndexBits = 24 });

        yield return Field("types nested thousands deep", "nested deeper than 64", Deep(5000));
        yield return Field("types nested one too deep", "nested deeper than 64", Deep(66));

        // Forty levels that each name the next one twice: 2^40 fields in 4 kB.
        yield return new("schema that unfolds", () =>
        {
            var field = Integer("x");
            for (int i = 0; i < 40; i++)
            {
                field = new CraftedField("x", Struct) { Children = [field], Repeat = 2 };
            }

            return Crafted.Stream(field);
        }, "more fields than its bytes can hold");
        yield return new("name that is not UTF-8", () => Renamed("@@@@", 0xff), "not UTF-8");
        yield return new("name with half a surrogate", () => Renamed("@@@@", 0xed, 0xa0, 0x80, 0x40), "not UTF-8");
    }

    private static CraftedField UnionOf(params int[] ids) => new("x", Union, new FlatWriter.Slot(0, 2, 1)) { TypeIds = ids, Children = [Integer("a"), Integer("b")] };

    private static CraftedField Deep(int levels)
    {
        var field = Integer("x");
        for (int i = 0; i < levels; i++)
        {
            field = Nested(i % 2 == 0 ? List : Struct, field);
        }

        return field;
    }

    private static byte[] Renamed(string name, params byte[] bytes)
    {
        byte[] stream = Crafted.Stream(Integer(name));
        bytes.CopyTo(stream, stream.AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(name)));
        return stream;
    }
}
