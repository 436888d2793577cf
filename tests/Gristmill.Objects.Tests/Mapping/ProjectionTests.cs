using Apache.Arrow;

namespace Gristmill.Objects.Mapping;

public sealed class ProjectionTests
{
    [Theory]
    [InlineData(0L, null)]
    [InlineData(0L, 300L)]
    [InlineData(50L, 100L)]
    [InlineData(100L, 100L)]
    [InlineData(99L, 2L)]
    [InlineData(250L, 999L)]
    [InlineData(300L, 5L)]
    [InlineData(10L, 0L)]
    public void Columns_and_rows_are_views_over_the_mapping(long offset, long? rows)
    {
        using var test = new TestStore();
        using var lease = test.Store.Get(ObjectStoreTests.Write(test.Store, 100, 3));
        var copies = CopyCounter.Open();
        var batches = lease.Read(["name", "id"], offset, rows).ToList();
        int[] expected = [.. Enumerable.Range(0, 300).Skip((int)offset).Take((int)(rows ?? 300))];
        Assert.Equal(expected.Select(i => (long?)i), batches.SelectMany(batch => (Int64Array)batch.Column("id")));
        Assert.Equal(expected.Select(i => i % 100 == 7 ? null : $"n{i % 100}"), batches.SelectMany(batch => Enumerable.Range(0, batch.Length).Select(row => ((StringArray)batch.Column(0)).GetString(row))));
        Assert.All(batches, batch => Assert.Equal(["name", "id"], batch.Schema.FieldsList.Select(field => field.Name)));
        Assert.All(batches.SelectMany(batch => batch.Arrays).SelectMany(array => array.Data.Buffers).Where(buffer => buffer.Length > 0), buffer => Assert.True(lease.Owns(buffer.Span)));
        Assert.Equal(0, copies.Bytes);
    }

    [Fact]
    public void All_of_it_is_what_the_lease_has()
    {
        using var test = new TestStore();
        using var lease = test.Store.Get(ObjectStoreTests.Write(test.Store, 10, 3));
        Assert.Equal(lease.Batches, lease.Read());
        Assert.Same(lease.Batches[1], Assert.Single(lease.Read(offset: 10, rows: 10)));
    }

    [Fact]
    public void What_is_not_there_is_refused_at_once()
    {
        using var test = new TestStore();
        var lease = test.Store.Get(ObjectStoreTests.Write(test.Store, 10, 1));
        var error = Assert.Throws<GristmillException>(() => lease.Read(["id", "Name"]));
        Assert.Equal((ErrorCodes.UnknownColumn, "Name"), (error.Code, error.Error.Details!["column"]));
        Assert.Throws<ArgumentOutOfRangeException>(() => lease.Read(offset: 11));
        Assert.Throws<ArgumentOutOfRangeException>(() => lease.Read(offset: -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => lease.Read(rows: -1));
        lease.Dispose();
        Assert.Throws<ObjectDisposedException>(() => lease.Read());
    }
}
