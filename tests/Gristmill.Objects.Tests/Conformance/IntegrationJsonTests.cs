using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Objects.Import;

namespace Gristmill.Objects.Conformance;

/// <summary>The reader of the integration format by itself, for types that the official files may not have.</summary>
public sealed class IntegrationJsonTests
{
    /// <summary>A type, its field and its column in the format, and the same column as an IPC message.</summary>
    private static Dictionary<string, (IArrowType Type, string Field, string Column, CraftedBatch Batch)> Columns => new()
    {
        ["utf8view"] = (StringViewType.Default, """{"type":{"name":"utf8view"}}""",
            """
            {"VALIDITY":[1,0,1],"VIEWS":[{"SIZE":2,"INLINED":"ä"},{"SIZE":0,"INLINED":""},{"SIZE":14,"PREFIX_HEX":"6C6F6E67","BUFFER_INDEX":0,"OFFSET":1}],
             "VARIADIC_DATA_BUFFERS":["FF6C6F6E676572207468616E203132"]}
            """,
            new CraftedBatch { Rows = 3, Variadic = [1] }.Node(3, 1).Bytes(5).Bytes([2, 0, 0, 0, .. "ä"u8, .. new byte[10], .. new byte[16], 14, 0, 0, 0, .. "long"u8, 0, 0, 0, 0, 1, 0, 0, 0])
                .Bytes([0xff, .. "longer than 12"u8])),
        ["listview"] = (new ListViewType(new Field("item", Int8Type.Default, true)),
            """{"type":{"name":"listview"},"children":[{"name":"item","nullable":true,"type":{"name":"int","bitWidth":8,"isSigned":true},"children":[]}]}""",
            """{"VALIDITY":[1,1,0],"OFFSET":[1,0,0],"SIZE":[2,3,0],"children":[{"name":"item","count":3,"VALIDITY":[1,0,1],"DATA":[-1,0,3]}]}""",
            new CraftedBatch { Rows = 3 }.Node(3, 1).Bytes(3).Ints(1, 0, 0).Ints(2, 3, 0).Node(3, 1).Bytes(5).Bytes(0xff, 0, 3)),
        ["runendencoded"] = (new RunEndEncodedType(Int16Type.Default, UInt64Type.Default),
            """
            {"type":{"name":"runendencoded"},"children":[{"name":"run_ends","nullable":false,"type":{"name":"int","bitWidth":16,"isSigned":true},"children":[]},
             {"name":"values","nullable":true,"type":{"name":"int","bitWidth":64,"isSigned":false},"children":[]}]}
            """,
            """{"children":[{"name":"run_ends","count":2,"VALIDITY":[1,1],"DATA":[1,3]},{"name":"values","count":2,"VALIDITY":[1,1],"DATA":["18446744073709551615","0"]}]}""",
            new CraftedBatch { Rows = 3 }.Node(3).Node(2).Bytes().Bytes(1, 0, 3, 0).Node(2).Bytes().Longs(-1, 0)),
        ["month_day_nano"] = (IntervalType.MonthDayNanosecond, """{"type":{"name":"interval","unit":"MONTH_DAY_NANO"}}""",
            """{"VALIDITY":[1,0,1],"DATA":[{"months":1,"days":-2,"nanoseconds":3},{},{"months":-1,"days":2,"nanoseconds":9223372036854775807}]}""",
            new CraftedBatch { Rows = 3 }.Node(3, 1).Bytes(5).Bytes([.. Interval(1, -2, 3), .. new byte[16], .. Interval(-1, 2, long.MaxValue)])),
        ["decimal32"] = (new Decimal32Type(5, -1), """{"type":{"name":"decimal","bitWidth":32,"precision":5,"scale":-1}}""",
            """{"VALIDITY":[1,1,1],"DATA":["-12345","0","99999"]}""", new CraftedBatch { Rows = 3 }.Node(3).Bytes().Ints(-12345, 0, 99999)),
        ["float16"] = (HalfFloatType.Default, """{"type":{"name":"floatingpoint","precision":"HALF"}}""",
            """{"VALIDITY":[1,1,1],"DATA":[15360,32768,31744]}""", new CraftedBatch { Rows = 3 }.Node(3).Bytes().Bytes(0, 0x3c, 0, 0x80, 0, 0x7c)),
        ["float64"] = (DoubleType.Default, """{"type":{"name":"floatingpoint","precision":"DOUBLE"}}""",
            """{"VALIDITY":[1,1,1],"DATA":[0.1,-0.0,4.9e-324]}""", new CraftedBatch { Rows = 3 }.Node(3).Bytes().Longs(BitConverter.DoubleToInt64Bits(0.1), long.MinValue, 1)),
        ["union"] = (new UnionType([new Field("a", Int8Type.Default, true), new Field("b", BooleanType.Default, true)], [4, 9], UnionMode.Dense),
            """
            {"type":{"name":"union","mode":"DENSE","typeIds":[4,9]},"children":[{"name":"a","nullable":true,"type":{"name":"int","bitWidth":8,"isSigned":true},"children":[]},
             {"name":"b","nullable":true,"type":{"name":"bool"},"children":[]}]}
            """,
            """{"TYPE_ID":[9,4,9],"OFFSET":[0,0,1],"children":[{"name":"a","count":1,"VALIDITY":[1],"DATA":[7]},{"name":"b","count":2,"VALIDITY":[1,1],"DATA":[1,false]}]}""",
            new CraftedBatch { Rows = 3 }.Node(3).Bytes(9, 4, 9).Ints(0, 0, 1).Node(1).Bytes().Bytes(7).Node(2).Bytes().Bytes(1)),
    };

    public static TheoryData<string> Names => [.. Columns.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Columns_equal_their_messages_and_no_other_values(string name)
    {
        var (type, field, column, batch) = Columns[name];
        var (schema, batches) = ArrowIpc.Decode(Crafted.Stream(new Schema([new Field("x", type, true)], null), batch));
        Assert.Empty(Twin(field, column).Differences(schema, batches));

        // Each number of the values changed by one, and each of the nulls the other way round.
        int changed = 0;
        foreach (int at in Enumerable.Range(0, column.Length).Where(i => char.IsAsciiDigit(column[i]) && !char.IsAsciiLetterOrDigit(column[i - 1]) && !char.IsAsciiLetterOrDigit(column[i + 1])))
        {
            string other = column[..at] + (column[at] == '0' ? '1' : '0') + column[(at + 1)..];
            try
            {
                changed += Twin(field, other).Differences(schema, batches).Any() ? 1 : 0;
            }
            catch (Exception e) when (e is IndexOutOfRangeException or ArgumentOutOfRangeException or KeyNotFoundException or InvalidOperationException)
            {
                changed++;
            }
        }

        Assert.True(changed >= 3, $"{changed} changes were noticed");
    }

    private static IntegrationJson Twin(string field, string column) => IntegrationJson.Parse(
        $$"""{"schema":{"fields":[{"name":"x","nullable":true,{{field[1..]}}]},"batches":[{"count":3,"columns":[{"name":"x","count":3,{{column.Trim()[1..]}}]}]}""");

    private static byte[] Interval(int months, int days, long nanoseconds) => [.. BitConverter.GetBytes(months), .. BitConverter.GetBytes(days), .. BitConverter.GetBytes(nanoseconds)];
}
