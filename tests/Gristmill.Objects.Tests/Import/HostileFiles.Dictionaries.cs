using Apache.Arrow;
using Apache.Arrow.Types;
using static Gristmill.Objects.Import.CraftedField;

namespace Gristmill.Objects.Import;

/// <summary>Dictionaries that are missing, of another type, or go in circles.</summary>
internal static partial class HostileFiles
{
    private static CraftedField Encoded(string name, long id, int bits = 32) => new(name, Utf8) { Dictionary = id, IndexBits = bits };

    private static CraftedBatch Words(long id, bool delta = false) => new CraftedBatch { Rows = 2, Dictionary = id, IsDelta = delta }.Node(2).Bytes().Ints(0, 2, 4).Bytes("abcd"u8);

    private static IEnumerable<Hostile> Dictionaries()
    {
        var word = Schema([Encoded("x", 7)]);
        yield return new("index behind its dictionary", () => Crafted.Stream(word, Words(7), Rows(2).Node(2).Bytes().Ints(0, 2)), "index 2 into a dictionary of 2");
        yield return new("index that is negative", () => Crafted.Stream(word, Words(7), Rows(2).Node(2).Bytes().Ints(0, -1)), "index -1 into a dictionary of 2");
        yield return new("long index beyond 2^32", () => Crafted.Stream(Schema([Encoded("x", 7, 64)]), Words(7), Rows(1).Node(1).Bytes().Longs(1L << 32)), "index 4294967296");
        yield return new("short index that is negative", () => Crafted.Stream(Schema([Encoded("x", 7, 8)]), Words(7), Rows(1).Node(1).Bytes().Bytes(0x80)), "index -128");
        yield return new("index into an empty dictionary", () => Crafted.Stream(word, new CraftedBatch { Rows = 0, Dictionary = 7 }.Node(0).Bytes().Bytes().Bytes(),
            Rows(1).Node(1).Bytes().Ints(0)), "index 0 into a dictionary of 0");
        yield return new("dictionary is missing", () => Crafted.Stream(word, Rows(1).Node(1).Bytes().Ints(0)), "dictionary of 'x' is missing");
        yield return new("dictionary of no field", () => Crafted.Stream(word, Words(8), Rows(1).Node(1).Bytes().Ints(0)), "dictionary 8 belongs to no field");
        yield return new("dictionary of a schema without one", () => Crafted.Stream(s_number, Words(0)), "dictionary 0 belongs to no field");
        yield return new("addition to a dictionary that is missing", () => Crafted.Stream(word, Words(7, delta: true), Rows(1).Node(1).Bytes().Ints(0)), "no dictionary 7 to add to");
        yield return new("dictionary shorter than it claims", () => Crafted.Stream(word, new CraftedBatch { Rows = 3, Dictionary = 7 }.Node(2).Bytes().Ints(0, 2, 4).Bytes("abcd"u8),
            Rows(1).Node(1).Bytes().Ints(0)), "has 2 values, not the 3");
        yield return new("dictionary whose offsets leave their data", () => Crafted.Stream(word, new CraftedBatch { Rows = 2, Dictionary = 7 }.Node(2).Bytes().Ints(0, 2, 9).Bytes("abcd"u8),
            Rows(1).Node(1).Bytes().Ints(0)), "run from 0 to 9");
        yield return new("replaced dictionary that is too short", () => Crafted.Stream(word, Words(7), Rows(1).Node(1).Bytes().Ints(1),
            new CraftedBatch { Rows = 1, Dictionary = 7 }.Node(1).Bytes().Ints(0, 2).Bytes("ab"u8), Rows(1).Node(1).Bytes().Ints(1)), "index 1 into a dictionary of 1");
        yield return new("dictionary with the body of another type", () => Crafted.Stream(word, new CraftedBatch { Rows = 2, Dictionary = 7 }.Node(2).Bytes().Ints(1, 2),
            Rows(1).Node(1).Bytes().Ints(0)), "are missing");
        yield return new("dictionary that holds itself", () => Crafted.Stream(Schema([new CraftedField("x", List) { Dictionary = 1, Children = [Encoded("y", 1)] }]),
            new CraftedBatch { Rows = 1, Dictionary = 1 }.Node(1).Bytes().Ints(0, 1).Node(1).Bytes().Ints(0), Rows(1).Node(1).Bytes().Ints(0)), "contains itself");
        yield return new("dictionaries that hold each other", () => Crafted.Stream(
            Schema(
            [
                new CraftedField("x", List) { Dictionary = 1, Children = [new CraftedField("inner", List) { Dictionary = 2, Children = [Integer("n")] }] },
                new CraftedField("y", List) { Dictionary = 2, Children = [new CraftedField("inner", List) { Dictionary = 1, Children = [Integer("n")] }] },
            ]),
            new CraftedBatch { Rows = 1, Dictionary = 1 }.Node(1).Bytes().Ints(0, 1).Node(1).Bytes().Ints(0),
            new CraftedBatch { Rows = 1, Dictionary = 2 }.Node(1).Bytes().Ints(0, 1).Node(1).Bytes().Ints(0),
            Rows(1).Node(1).Bytes().Ints(0).Node(1).Bytes().Ints(0)), "shared by fields of different types");
        yield return new("dictionary shared by structs of other types", () => Crafted.Stream(
            Schema(
            [
                new CraftedField("x", Struct) { Dictionary = 1, Children = [Integer("n")] },
                new CraftedField("y", Struct) { Dictionary = 1, Children = [new CraftedField("s", Utf8)] },
            ]),
            new CraftedBatch { Rows = 2, Dictionary = 1 }.Node(2).Bytes().Node(2).Bytes().Ints(1, 2), Rows(1).Node(1).Bytes().Ints(0).Node(1).Bytes().Ints(0)), "shared by fields of different types");
        yield return new("dictionary shared by decimals of other scales", () => Crafted.Stream(
            Schema(
            [
                new CraftedField("x", FixedDecimal, new(0, 4, 9), new(1, 4, 2), new(2, 4, 32)) { Dictionary = 1 },
                new CraftedField("y", FixedDecimal, new(0, 4, 9), new(1, 4, 3), new(2, 4, 32)) { Dictionary = 1 },
            ]),
            new CraftedBatch { Rows = 2, Dictionary = 1 }.Node(2).Bytes().Ints(1, 2), Rows(1).Node(1).Bytes().Ints(0).Node(1).Bytes().Ints(0)), "shared by fields of different types");

        // A file has all its dictionaries at once: of two with one id, which is meant could not be told.
        yield return new("file with a dictionary twice", () => Crafted.File(EncodedSchema, [Words(0), Words(0), Rows(1).Node(1).Bytes().Ints(0)]), "two dictionaries 0");
    }

    private static Schema EncodedSchema => Of(new DictionaryType(Int32Type.Default, StringType.Default, false));
}
