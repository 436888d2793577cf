using System.Diagnostics;
using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Objects;

public sealed class StoreFullTests
{
    private static readonly Schema Schema = new([new Field("x", Int64Type.Default, false)], null);

    [Fact]
    public void A_store_at_its_capacity_refuses_names_sizes_and_goes_on()
    {
        using var test = new TestStore(capacity: 8 << 20);
        AssertFull(() => test.Store.Create(Schema, 9 << 20));
        Assert.Empty(test.Files());
        var kept = Fill(test.Store, 5 << 20);
        using (var other = test.Open(8 << 20)) // another process would see the same
        {
            AssertFull(() => Fill(other, 5 << 20));
        }

        Assert.Single(test.Files());
        Fill(test.Store, 1 << 20);
        test.Store.Delete(kept.Id);
        Fill(test.Store, 5 << 20);
    }

    [Fact]
    public void A_full_writer_can_still_seal_what_it_has_or_leave_no_trace()
    {
        using var test = new TestStore(capacity: 2 << 20);
        using var writer = test.Store.Create(Schema);
        writer.BeginBatch();
        var values = writer.Allocate(1 << 20);
        AssertFull(() => writer.Allocate(4 << 20));
        writer.EndBatch(1 << 17, [new Int64Array(new ArrowBuffer(values), ArrowBuffer.Empty, 1 << 17, 0, 0)]);
        using (var lease = test.Store.Get(writer.Seal()))
        {
            Assert.Equal(1 << 17, lease.Batches[0].Length);
        }

        var second = test.Store.Create(Schema);
        second.BeginBatch();
        AssertFull(() => second.Allocate(1 << 21));
        second.Dispose();
        Assert.Single(test.Files());
    }

    [Fact]
    public void A_full_file_system_is_an_error_and_not_a_signal()
    {
        string directory = Path.Combine(Path.GetTempPath(), "gristmill-tiny-" + Guid.NewGuid().ToString("n"));
        Directory.CreateDirectory(directory);
        try
        {
            Assert.SkipUnless(OperatingSystem.IsLinux() && Run("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", directory) == 0,
                "a tmpfs cannot be mounted by this user");
            try
            {
                // The budget allows more than there is, so that it is the kernel that refuses.
                using var store = ObjectStore.Open(new ObjectStoreOptions { Directory = Path.Combine(directory, "objects"), CapacityBytes = 1 << 30 });
                AssertFull(() => store.Create(Schema, 16 << 20));
                AssertFull(() => Fill(store, 8 << 20));
                Assert.Empty(Directory.GetFiles(store.Options.Directory));
                var reference = Fill(store, 2 << 20);
                AssertFull(() => Fill(store, 2 << 20));
                using (var lease = store.Get(reference))
                {
                    lease.Verify();
                }

                // Without a capacity of its own the store stays within what the file system has.
                using var careful = ObjectStore.Open(new ObjectStoreOptions { Directory = Path.Combine(directory, "objects") });
                Assert.InRange(careful.CapacityBytes, 3 << 20, 4 << 20);
                AssertFull(() => Fill(careful, 3 << 20));
            }
            finally
            {
                Run("umount", directory);
            }
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static ObjectRef Fill(ObjectStore store, int bytes)
    {
        using var writer = store.Create(Schema);
        writer.BeginBatch();
        var values = writer.Allocate(bytes);
        values.Span.Fill(7);
        writer.EndBatch(bytes / 8, [new Int64Array(new ArrowBuffer(values), ArrowBuffer.Empty, bytes / 8, 0, 0)]);
        return writer.Seal();
    }

    private static void AssertFull(Action act)
    {
        var error = Assert.Throws<GristmillException>(act);
        Assert.Equal(ErrorCodes.StoreFull, error.Code);
        Assert.Contains("no room for", error.Message, StringComparison.Ordinal);
        Assert.NotNull(error.Error.Hint);
        Assert.True(error.Error.Details.ContainsKey("capacity_bytes"));
    }

    private static int Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return -1;
        }
    }
}
