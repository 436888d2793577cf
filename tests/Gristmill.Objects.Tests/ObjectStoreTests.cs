using System.Runtime.InteropServices;
using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Objects;

public sealed class ObjectStoreTests
{
    private static readonly Schema Schema = new([new Field("id", Int64Type.Default, false), new Field("name", StringType.Default, true)],
        new Dictionary<string, string> { ["k"] = "v" });

    [Fact]
    public void Columns_built_in_place_are_read_without_a_copy()
    {
        using var test = new TestStore();
        var reference = Write(test.Store, rows: 1000, batches: 3);
        Assert.Equal(3000, reference.Rows);
        Assert.Equal("here", reference.Host);
        using var lease = test.Store.Get(reference);
        Assert.Equal(reference, lease.Ref);
        Assert.Equal("v", lease.Schema.Metadata["k"]);
        Assert.Equal(3, lease.Batches.Count);
        Assert.Same(lease.Batches, lease.Batches);
        foreach (var batch in lease.Batches)
        {
            Assert.Equal(1000, batch.Length);
            foreach (var buffer in batch.Arrays.SelectMany(array => array.Data.Buffers).Where(buffer => buffer.Length > 0))
            {
                Assert.True(lease.Owns(buffer.Span));
                unsafe
                {
                    fixed (byte* start = buffer.Span)
                    {
                        Assert.Equal(0, (nint)start % 64);
                    }
                }
            }
        }

        var last = lease.Batches[2];
        Assert.Equal(2999, ((Int64Array)last.Column(0)).GetValue(999));
        Assert.Equal("n999", ((StringArray)last.Column(1)).GetString(999));
        Assert.True(last.Column(1).IsNull(7));
        Assert.False(lease.Owns(new byte[8]));
        lease.Verify();
    }

    [Fact]
    public void Batches_are_decoded_when_asked_for_and_not_after_the_lease()
    {
        using var test = new TestStore();
        var reference = Write(test.Store, 10, 3);
        var lease = test.Store.Get(reference.Id);
        var batches = lease.Batches;
        Assert.Equal(3, batches.Count);
        Assert.Same(batches[0], batches[0]);
        lease.Dispose();
        Assert.Throws<ObjectDisposedException>(() => batches[2]);
        Assert.Throws<ArgumentOutOfRangeException>(() => batches[3]);
    }

    [Fact]
    public void One_mapping_serves_all_leases_and_goes_with_the_last()
    {
        using var test = new TestStore();
        var reference = Write(test.Store, 10, 1);
        var first = test.Store.Get(reference.Id);
        var second = test.Store.Get(reference.Id);
        var third = second.Share();
        Assert.Equal(3, test.Store.LiveLeases);
        Assert.Same(first.Batches, third.Batches);
        var values = third.Batches[0].Column(0).Data.Buffers[1];
        first.Dispose();
        first.Dispose();
        second.Dispose();
        Assert.Throws<ObjectDisposedException>(() => first.Batches);
        Assert.Equal(9, MemoryMarshal.Cast<byte, long>(values.Span)[9]);
        third.Dispose();
        Assert.Throws<ObjectDisposedException>(() => values.Span.Length);
        Assert.Throws<ObjectDisposedException>(() => third.Share());
        using var again = test.Store.Get(reference.Id);
        Assert.Equal(10, again.Batches[0].Length);
    }

    [Fact]
    public void Objects_are_listed_found_and_deleted()
    {
        using var test = new TestStore();
        var a = Write(test.Store, 5, 1);
        var b = Write(test.Store, 7, 2);
        Assert.Equal(new[] { a, b }.OrderBy(x => x.Id), test.Store.List().OrderBy(x => x.Id));
        using (var lease = test.Store.Get(a.Id))
        {
            Assert.True(test.Store.Delete(a.Id));
            Assert.False(test.Store.Delete(a.Id));
            Assert.False(test.Store.Contains(a.Id));
            Assert.Equal(4, ((Int64Array)lease.Batches[0].Column(0)).GetValue(4));
            Assert.Equal(ErrorCodes.ObjectNotFound, Assert.Throws<GristmillException>(() => test.Store.Get(a.Id)).Code);
        }

        Assert.Equal([b], test.Store.List());
        Assert.Equal(new string[] { b.Id + ".arrow" }, test.Files());
    }

    [Theory]
    [InlineData("")]
    [InlineData("nothing")]
    [InlineData("../../etc/passwd")]
    [InlineData("0123456789abcdef0123456789abcde/")]
    [InlineData("0123456789abcdef0123456789abcdef")]
    public void Unknown_ids_are_not_found(string id)
    {
        using var test = new TestStore();
        Assert.False(test.Store.Contains(id));
        Assert.False(test.Store.Delete(id));
        Assert.Equal(ErrorCodes.ObjectNotFound, Assert.Throws<GristmillException>(() => test.Store.Get(id)).Code);
    }

    [Fact]
    public void A_flipped_bit_is_found_by_the_checksum()
    {
        using var test = new TestStore();
        var reference = Write(test.Store, 100, 1);
        string path = Path.Combine(test.Directory, reference.Id + ".arrow");
        byte[] bytes = File.ReadAllBytes(path);
        bytes[1000] ^= 4;
        File.Delete(path);
        File.WriteAllBytes(path, bytes);
        using var lease = test.Store.Get(reference);
        Assert.Equal(ErrorCodes.Corrupt, Assert.Throws<GristmillException>(lease.Verify).Code);
    }

    [Fact]
    public void Truncated_and_foreign_files_are_corrupt()
    {
        using var test = new TestStore();
        var reference = Write(test.Store, 100, 1);
        string path = Path.Combine(test.Directory, reference.Id + ".arrow");
        byte[] bytes = File.ReadAllBytes(path);
        foreach (byte[] damaged in new[] { [], bytes[..5], bytes[..^1], bytes[..(bytes.Length / 2)], "no arrow"u8.ToArray(), new byte[5000] })
        {
            File.Delete(path);
            File.WriteAllBytes(path, damaged);
            var error = Assert.Throws<GristmillException>(() => test.Store.Get(reference));
            Assert.Equal(ErrorCodes.Corrupt, error.Code);
            Assert.Equal(reference.Id, error.Error.Details["object"]);
            Assert.Empty(test.Store.List());
        }
    }

    [Fact]
    public void Extension_types_are_stored_with_their_name()
    {
        using var test = new TestStore();
        var array = ArrowArrayFactory.BuildArray(new ArrayData(new FixedSizeBinaryType(16), 2, 0, 0, [ArrowBuffer.Empty, new ArrowBuffer(new byte[32])], []));
        var schema = new Schema([new Field("id", new GuidType(), false)], null);
        using var writer = test.Store.Create(schema);
        writer.Append(new RecordBatch(schema, [array], 2));
        using var lease = test.Store.Get(writer.Seal());
        Assert.Equal("arrow.uuid", lease.Schema.GetFieldByIndex(0).Metadata["ARROW:extension:name"]);
        Assert.Equal(2, lease.Batches[0].Length);
    }

    [Fact]
    public void The_folder_is_private_and_no_link()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("there are no Unix modes here");
            return;
        }

        using var test = new TestStore();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(test.Directory));
        string path = Path.Combine(test.Directory, Write(test.Store, 10, 1).Id + ".arrow");
        Assert.Equal(UnixFileMode.UserRead, File.GetUnixFileMode(path));
        string link = test.Directory + "-link";
        Directory.CreateSymbolicLink(link, test.Directory);
        try
        {
            Assert.Equal(ErrorCodes.Invalid, Assert.Throws<GristmillException>(() => ObjectStore.Open(new ObjectStoreOptions { Directory = link })).Code);
        }
        finally
        {
            Directory.Delete(link);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("../x")]
    [InlineData("a b")]
    public void Cluster_names_cannot_leave_their_folder(string cluster)
    {
        Assert.Equal(ErrorCodes.Invalid, Assert.Throws<GristmillException>(() => ObjectStoreOptions.DefaultDirectory(cluster, "/tmp")).Code);
        Assert.Equal(Directory.Exists("/dev/shm") ? "/dev/shm/gristmill-a-1" : Path.Combine("/x", "objects"), ObjectStoreOptions.DefaultDirectory("a-1", "/x"));
    }

    internal static ObjectRef Write(ObjectStore store, int rows, int batches)
    {
        using var writer = store.Create(Schema);
        for (int batch = 0; batch < batches; batch++)
        {
            writer.BeginBatch();
            var ids = writer.Allocate(rows * 8);
            var offsets = writer.Allocate((rows + 1) * 4);
            var text = writer.Allocate(rows * 8);
            var validity = writer.Allocate((rows + 7) / 8);
            int used = 0;
            for (int i = 0; i < rows; i++)
            {
                MemoryMarshal.Cast<byte, long>(ids.Span)[i] = (long)batch * rows + i;
                MemoryMarshal.Cast<byte, int>(offsets.Span)[i] = used;
                if (i != 7)
                {
                    BitUtility.SetBit(validity.Span, i);
                    used += System.Text.Encoding.UTF8.GetBytes($"n{i}", text.Span[used..]);
                }
            }

            MemoryMarshal.Cast<byte, int>(offsets.Span)[rows] = used;
            writer.EndBatch(rows, [
                new Int64Array(new ArrowBuffer(ids), ArrowBuffer.Empty, rows, 0, 0),
                new StringArray(rows, new ArrowBuffer(offsets), new ArrowBuffer(text[..used]), new ArrowBuffer(validity), rows > 7 ? 1 : 0, 0)]);
        }

        return writer.Seal();
    }
}
