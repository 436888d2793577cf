using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Objects.Import;

/// <summary>Record batch messages whose numbers do not fit each other.</summary>
internal static partial class HostileFiles
{
    private static readonly Schema s_number = Of(Int32Type.Default);

    private static Schema Of(IArrowType type) => new([new Field("x", type, true)], null);

    private static CraftedBatch Rows(long rows) => new() { Rows = rows };

    private static Hostile Number(string name, string says, CraftedBatch batch) => new(name, () => Crafted.Stream(s_number, batch), says);

    private static IEnumerable<Hostile> Messages()
    {
        yield return Number("buffer end overflows", "outside its body", Rows(2).Node(2).At(0, 0).At(long.MaxValue - 7, 64));
        yield return Number("buffer offset is negative", "outside its body", Rows(2).Node(2).At(0, 0).At(-8, 8));
        yield return Number("buffer length is negative", "outside its body", Rows(2).Node(2).At(0, 0).At(0, -8));
        yield return Number("buffer behind its body", "outside its body", Rows(2).Node(2).Bytes().Ints(1, 2).At(8, 8));
        yield return Number("buffer of more than 2^31 bytes", "outside its body", Rows(2).Node(2).At(0, 0).At(0, 1L << 33));
        yield return Number("buffer too short for its values", "2 values need 8", Rows(2).Node(2).Bytes().Ints(1));
        yield return Number("node is missing", "node of 'x' is missing", Rows(2).Bytes().Ints(1, 2));
        yield return Number("buffer is missing", "buffers of 'x' are missing", Rows(2).Node(2).Bytes());
        yield return Number("negative rows", "has -1 rows", Rows(-1).Node(2).Bytes().Ints(1, 2));
        yield return Number("more rows than an array can have", "9223372036854775807 rows", Rows(long.MaxValue).Node(2).Bytes().Ints(1, 2));
        yield return Number("node of negative length", "claims -2 values", Rows(2).Node(-2).Bytes().Ints(1, 2));
        yield return Number("node of more than 2^31 values", "claims 2147483648 values", Rows(2).Node(1L << 31).Bytes().Ints(1, 2));
        yield return Number("node of 2^31 - 1 values", "2147483647 rows in a batch of 2", Rows(2).Node(int.MaxValue).Bytes().Ints(1, 2));
        yield return Number("column longer than its batch", "3 rows in a batch of 2", Rows(2).Node(3).Bytes().Ints(1, 2, 3));
        yield return Number("negative nulls", "of which -1 are null", Rows(2).Node(2, -1).Bytes().Ints(1, 2));
        yield return Number("more nulls than values", "of which 3 are null", Rows(2).Node(2, 3).Bytes(0).Ints(1, 2));
        yield return Number("nulls without a bitmap", "without a validity bitmap", Rows(2).Node(2, 1).Bytes().Ints(1, 2));
        yield return Number("nulls counted wrong", "claims 1 nulls and has 2", Rows(2).Node(2, 1).Bytes(0).Ints(1, 2));
        yield return Number("bitmap too short", "validity of 'x' have 1 bytes", Rows(9).Node(9, 1).Bytes(0xfe).Ints(1, 2, 3, 4, 5, 6, 7, 8, 9));
        yield return Number("body longer than what is left", "claims a body of 1099511627776", new CraftedBatch { Rows = 2, BodyLength = 1L << 40 }.Node(2).Bytes().Ints(1, 2));
        yield return Number("body of negative length", "outside its body", new CraftedBatch { Rows = 2, BodyLength = -8 }.Node(2).Bytes().Ints(1, 2));
        yield return Number("body of negative length without buffers", "claims a body of -8", new CraftedBatch { Rows = 0, BodyLength = -8 });
        yield return Number("a tensor", "neither a record batch nor a dictionary", new CraftedBatch { Rows = 2, Kind = 4 }.Node(2).Bytes().Ints(1, 2));
        yield return Number("a second schema", "neither a record batch nor a dictionary", new CraftedBatch { Rows = 2, Kind = 1 }.Node(2).Bytes().Ints(1, 2));
        yield return Number("metadata of version 1", "has version 1", new CraftedBatch { Rows = 2, Version = 0 }.Node(2).Bytes().Ints(1, 2));
        yield return Number("metadata of version 6", "has version 6", new CraftedBatch { Rows = 2, Version = 5 }.Node(2).Bytes().Ints(1, 2));

        yield return new("buffers over each other", Overlapping, "unfolds to more than") { Code = ErrorCodes.Invalid };
    }

    /// <summary>2,000 columns that show the same half megabyte: some of metadata would become a gigabyte.</summary>
    private static byte[] Overlapping()
    {
        var batch = Rows(1 << 17);
        batch.Node(1 << 17).Bytes().Bytes(new byte[1 << 19]);
        for (int i = 1; i < 2000; i++)
        {
            batch.Node(1 << 17).At(0, 0).At(0, 1 << 19);
        }

        return Crafted.Stream(new Schema(Enumerable.Range(0, 2000).Select(i => new Field($"x{i}", Int32Type.Default, true)), null), batch);
    }
}
