using System.Numerics;
using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Engines.Sql.Interop;

namespace Gristmill.Engines.Sql.Tests.Interop;

public sealed class SegmentScanTests
{
    public static TheoryData<string> Types => [.. ScanTypes.All().Select(type => type.Name)];

    [Theory]
    [MemberData(nameof(Types))]
    public void Every_type_is_read_with_its_nulls(string name)
    {
        var (_, array, text) = ScanTypes.All().Single(type => type.Name == name);
        using var database = new ScanDatabase(Batch(("x", array)), Batch(("x", array)));
        var once = string.Join('|', Enumerable.Range(0, ScanTypes.Rows).Select(i => ScanTypes.IsNull(i) ? "-" : text(i)));
        Assert.Equal($"{once}|{once}", database.Text("x"));
    }

    [Fact]
    public void Fixed_size_binary_with_nulls_keeps_its_rows()
    {
        var data = new ArrayData(new FixedSizeBinaryType(2), 4, 1, 0,
            [new ArrowBuffer(new byte[] { 0b1101 }), new ArrowBuffer("aabbccdd"u8.ToArray())], System.Array.Empty<ArrayData>());
        using var database = new ScanDatabase(Batch(("b", ArrowArrayFactory.BuildArray(data))));
        Assert.Equal("aa|-|cc|dd", database.Text("b"));
    }

    [Fact]
    public void A_column_of_nulls_only_is_read()
    {
        using var database = new ScanDatabase(Batch(("n", Longs(3)), ("x", new NullArray(3))));
        Assert.Equal("-|-|-", database.Text("x"));
        Assert.Equal("0|1|2", database.Text("n"));
    }

    [Fact]
    public void Sums_over_several_batches_and_threads_are_right()
    {
        using var database = new ScanDatabase(Batch(("n", Longs(1_000_003))), Batch(("n", Longs(1))), Batch(("n", Longs(0))), Batch(("n", Longs(5000, 10))));
        var expected = Enumerable.Range(0, 1_000_003).Sum(i => (long)i) + Enumerable.Range(10, 5000).Sum(i => (long)i);
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(new BigInteger(expected), database.Scalar("select sum(n) from scan()"));
            Assert.Equal(1_005_004L, database.Scalar("select count(*) from scan()"));
        }
    }

    [Fact]
    public void Columns_asked_for_in_another_order_are_those_columns()
    {
        using var database = new ScanDatabase(Batch(("a", Longs(3000)), ("b", Longs(3000, 10)), ("c", Longs(3000, 100)), ("d", Longs(3000, 1000))));
        Assert.Equal("1001,1,101", database.Scalar("select d || ',' || a || ',' || c from scan() where a = 1"));
        Assert.Equal("12,2", database.Scalar("select b || ',' || a from (select c, b, a from scan()) where c = 102"));
        Assert.Equal(3000L, database.Scalar("select count(*) from scan() x join scan() y on x.a + 10 = y.b"));
    }

    [Fact]
    public void Rows_come_in_their_order()
    {
        using var database = new ScanDatabase(Batch(("n", Longs(300_000))), Batch(("n", Longs(300_000, 300_000))));
        Assert.Equal(0L, database.Scalar("select count(*) from (select n, row_number() over () - 1 as i from scan()) where n <> i"));
    }

    [Fact]
    public void Sliced_batches_are_read_from_their_first_row()
    {
        var batch = Batch(("n", Longs(10_000)), ("s", new StringArray.Builder().AppendRange(Enumerable.Range(0, 10_000).Select(i => $"s{i}")).Build()));
        using var database = new ScanDatabase(batch.Slice(1000, 5000));
        Assert.Equal("1000,s1000,5999,s5999", database.Scalar("select min(n) || ',' || min(s) || ',' || max(n) || ',' || max(s) from scan() where n in (1000, 5999)"));
    }

    [Fact]
    public void A_table_without_batches_has_columns_and_no_rows()
    {
        var schema = new Schema(ScanTypes.All().Select(type => new Field(type.Name, type.Array.Data.DataType, true)), null);
        using var database = new ScanDatabase(new SegmentTable(schema, [], owner: null));
        Assert.Equal(0L, database.Scalar("select count(*) from (select * from scan())"));
        Assert.Equal((long)schema.FieldsList.Count, database.Scalar("select count(*) from (describe select * from scan())"));
    }

    [Theory]
    [InlineData("half")]
    [InlineData("decimal256")]
    [InlineData("union")]
    [InlineData("list of dictionaries")]
    public void A_type_that_cannot_be_read_is_refused_by_name(string kind)
    {
        IArrowType type = kind switch
        {
            "half" => HalfFloatType.Default,
            "decimal256" => new Decimal256Type(40, 2),
            "union" => new UnionType([new Field("a", Int32Type.Default, true)], [0], UnionMode.Sparse),
            _ => new ListType(new DictionaryType(Int8Type.Default, StringType.Default, false)),
        };
        var owner = new Owner();
        var table = new SegmentTable(new Schema([new Field("odd", type, true)], null), [], owner);
        var error = Assert.Throws<GristmillException>(() => new ScanDatabase(table));
        Assert.Equal(ErrorCodes.TypeMismatch, error.Code);
        Assert.Contains("'odd'", error.Message);
        Assert.Equal("odd", error.Error.Details["column"]);
        Assert.Equal(1, owner.Disposed);
    }

    [Fact]
    public void A_random_part_is_the_same_for_the_same_seed()
    {
        string Parts(long seed)
        {
            var partition = new RandomPartition([0.75, 0.25], seed);
            using var database = new ScanDatabase(new SegmentTable(
                Batch(("n", Longs(10_000))).Schema, [Batch(("n", Longs(10_000)))], null, row => partition.Of(row)));
            Assert.InRange((long)database.Scalar("select count(*) from scan() where gristmill_label = 0")!, 7300, 7700);
            return database.Text("gristmill_label");
        }

        Assert.Equal(Parts(1), Parts(1));
        Assert.NotEqual(Parts(1), Parts(2));
    }

    [Fact]
    public void The_owner_is_disposed_with_the_database_and_not_before()
    {
        var owner = new Owner();
        var batch = Batch(("n", Longs(5000)));
        using (var database = new ScanDatabase(new SegmentTable(batch.Schema, [batch], owner)))
        {
            Assert.Equal(5000L, database.Scalar("select count(n) from scan()"));
            Assert.Equal(0, owner.Disposed);
        }

        Assert.Equal(1, owner.Disposed);
    }

    private static RecordBatch Batch(params (string Name, IArrowArray Array)[] columns) =>
        new(new Schema(columns.Select(column => new Field(column.Name, column.Array.Data.DataType, true)), null),
            columns.Select(column => column.Array), columns[0].Array.Length);

    private static Int64Array Longs(int count, int from = 0) =>
        new Int64Array.Builder().AppendRange(Enumerable.Range(from, count).Select(i => (long)i)).Build();

    private sealed class Owner : IDisposable
    {
        public int Disposed { get; private set; }

        public void Dispose() => Disposed++;
    }
}
