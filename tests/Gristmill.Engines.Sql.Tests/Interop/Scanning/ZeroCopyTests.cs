using Apache.Arrow;
using DuckDB.NET.Data;
using Gristmill.Engines.Sql.Interop;
using Gristmill.Objects;

namespace Gristmill.Engines.Sql.Tests.Interop;

/// <summary>What is counted for the whole process is looked at while no other test runs.</summary>
[CollectionDefinition(nameof(ZeroCopyTests), DisableParallelization = true)]
[Collection(nameof(ZeroCopyTests))]
public sealed class ZeroCopyTests
{
    [Fact]
    public async Task From_file_to_query_to_split_nothing_is_copied_and_nothing_is_left()
    {
        using var fixture = new EngineFixture();
        var before = CopyCounter.Total;
        EngineFixture.Duck($"copy (select i, i / 4 as x, 'name ' || i as name, [i] as l, i % 2 = 0 as b from range(300000) r(i)) to '{fixture.File("a.parquet")}'");
        var rows = await fixture.ReadAsync(new { path = "a.parquet" });
        var derived = await fixture.QueryAsync("select name, x * 2 as y, l, b, {'i': i} as s from t where i >= 1000", null, ("t", rows));
        await fixture.RunAsync(StageOperations.SqlSplit, """{"by":"random","fractions":[0.5]}""", new() { ["data"] = derived });
        await fixture.FailAsync(StageOperations.SqlQuery, new { query = "select error('x') as i from t" }, new() { ["t"] = rows });
        Assert.Equal(before, CopyCounter.Total);
        Assert.Equal(0, ArrowSlice.Live);
    }

    [Fact]
    public async Task Vectors_point_into_the_segment()
    {
        using var fixture = new EngineFixture();
        var rows = await fixture.QueryAsync("select i, i::float as f, 'a word of more than twelve bytes ' || i as s from range(10000) r(i)");
        using var lease = fixture.Store.Get(rows);
        CheckAddresses(lease);
        Assert.Equal(0, ArrowSlice.Live);
    }

    private static unsafe void CheckAddresses(ObjectLease lease)
    {
        using var connection = new DuckDBConnection("DataSource=:memory:");
        connection.Open();
        using var table = new SegmentTable(lease.Schema, lease.Batches, lease.Share());
        using var slice = new ArrowSlice();
        var native = connection.NativeConnection.DangerousGetHandle();
        using var schema = ConvertedSchema.Of(native, lease.Schema);
        ReadOnlySpan<ArrowNode> columns = [table.Node(0, 0), table.Node(0, 1), table.Node(0, 2)];
        slice.Bind(0, columns);
        var chunk = SegmentScan.ToChunk(native, schema, slice, slice.Narrow(columns, 4096, 2048));
        try
        {
            var longs = NativeDuck.VectorGetData(NativeDuck.DataChunkGetVector(chunk, 0));
            var floats = NativeDuck.VectorGetData(NativeDuck.DataChunkGetVector(chunk, 1));
            var strings = (byte**)NativeDuck.VectorGetData(NativeDuck.DataChunkGetVector(chunk, 2));
            fixed (void* first = ((Int64Array)lease.Batches[0].Column(0)).Values[4096..])
            {
                Assert.True(first == longs);
            }

            Assert.True(lease.Owns(new ReadOnlySpan<byte>(longs, 2048 * sizeof(long))));
            Assert.True(lease.Owns(new ReadOnlySpan<byte>(floats, 2048 * sizeof(float))));
            Assert.True(lease.Owns(new ReadOnlySpan<byte>(strings[1], 32)));
        }
        finally
        {
            NativeDuck.DestroyDataChunk(ref chunk);
        }
    }
}
