using Gristmill.Objects.Conformance;
using Gristmill.Objects.Fuzzing;

namespace Gristmill.Objects.Import;

/// <summary>Each hostile file is refused for what is wrong with it, at little cost, and leaves nothing; each odd one is read.</summary>
public sealed class HostileFilesTests
{
    private const long MaxBytes = 1 << 27;

    public static TheoryData<string> Refused => [.. HostileFiles.All().Where(file => file.Says is not null).Select(file => file.Name)];

    public static TheoryData<string> Read => [.. HostileFiles.All().Where(file => file.Says is null).Select(file => file.Name)];

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task Hostile_files_are_refused_and_leave_nothing(string name)
    {
        var file = HostileFiles.All().Single(file => file.Name == name);
        byte[] bytes = file.Bytes();
        using var test = new TestStore();

        // From memory an import does not wait, so that all it allocates is this thread's.
        long before = GC.GetAllocatedBytesForCurrentThread();
        var import = test.Store.ImportAsync(new MemoryStream(bytes), MaxBytes, TestContext.Current.CancellationToken);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        bool waited = bytes.Length >= 1 << 20;
        var error = await Assert.ThrowsAsync<GristmillException>(() => import);
        Assert.Equal(file.Code, error.Code);
        Assert.Contains(file.Says!, error.Message, StringComparison.Ordinal);
        Assert.NotNull(error.Error.Hint);
        Assert.True(waited || allocated < (2 << 20) + 8 * bytes.Length, $"{allocated} bytes were allocated for {bytes.Length}");
        Assert.Empty(test.Files());
        Assert.Equal(0, test.Store.LiveLeases + test.Store.LeakedLeases);
        Assert.Equal(error.Message, Assert.Throws<GristmillException>(() => ArrowIpc.Decode(bytes, MaxBytes)).Message);
    }

    [Theory]
    [MemberData(nameof(Read))]
    public async Task Odd_files_are_read_and_stored_as_they_are(string name)
    {
        byte[] bytes = HostileFiles.All().Single(file => file.Name == name).Bytes();
        using var test = new TestStore();
        var reference = await test.Store.ImportAsync(new MemoryStream(bytes), MaxBytes, TestContext.Current.CancellationToken);
        var (schema, came) = ArrowIpc.Decode(bytes, MaxBytes);
        using var lease = test.Store.Get(reference);
        Assert.Equal(SchemaText.Of(schema), SchemaText.Of(lease.Schema));
        Assert.Equal(came.Select(batch => batch.Length), lease.Batches.Select(batch => batch.Length));
        foreach (var (one, other) in came.Zip(lease.Batches))
        {
            ArrayWalker.Read(one);
            ArrayWalker.Read(other);
            for (int column = 0; column < one.ColumnCount; column++)
            {
                for (int i = 0; i < Math.Min(one.Length, 3000); i++)
                {
                    Assert.Equal(ArrayText.Of(one.Column(column).Data, i), ArrayText.Of(other.Column(column).Data, i));
                }
            }
        }
    }

    [Fact]
    public void Names_are_given_once() => Assert.Distinct(HostileFiles.All().Select(file => file.Name));

    [Fact]
    public async Task Views_that_share_their_text_take_no_more_room_than_they_came_with()
    {
        byte[] bytes = HostileFiles.All().Single(file => file.Name == "views that share a text").Bytes();
        using var test = new TestStore();
        var reference = await test.Store.ImportAsync(new MemoryStream(bytes), MaxBytes, TestContext.Current.CancellationToken);
        Assert.True(reference.Bytes < bytes.Length + 8192, $"{bytes.Length} bytes became {reference.Bytes}");
    }
}
