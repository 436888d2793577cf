using System.Text.Json;

namespace Gristmill.Cli.Commands;

/// <summary>'mill objects' and what is under it.</summary>
public sealed class ObjectsCommandTests : ServedCommandTests
{
    private static ObjectView Item(string id) => new()
    {
        Id = id,
        State = ObjectState.Sealed,
        Owner = "r1/train",
        Rows = 1234,
        Bytes = 3 << 20,
        Created = DateTimeOffset.UtcNow.AddHours(-25),
        Schema = "a: int64",
        Processes = [17, 4711],
    };

    [Fact]
    public async Task Objects_are_listed_in_a_table_and_as_json()
    {
        Answer("/api/v1/objects?limit=2&owner=r1&order=created", new ObjectPage
        {
            Objects = [Item("a1"), Item("a2") with { State = ObjectState.Damaged, Problem = "cut off", Rows = null, Processes = [] }],
            Count = 5,
            Bytes = 6 << 20,
            Capacity = 1L << 30,
            Host = "h",
            Skipped = [new SkippedObjectFile("notes\u001b.txt", "its name is not that of an object")],
        });
        var lines = (await RunAsync(0, "objects", "--owner", "r1", "--newest", "-n", "2")).Split('\n');
        Assert.Equal(["id", "owner", "rows", "size", "age", "kept", "by"], lines[0].Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("a1  r1/train   1,234  3 MiB  25 h 0", lines[1], StringComparison.Ordinal);
        Assert.EndsWith("17, 4711", lines[1], StringComparison.Ordinal);
        Assert.Contains("(damaged)", lines[2], StringComparison.Ordinal);
        Assert.Equal("5 objects, 6 MiB of 1 GiB.", lines[3]);
        Assert.Equal("Files that are no objects: notes .txt (its name is not that of an object).", lines[4]);
        Assert.Contains("\"a1\"", await RunAsync(0, "objects", "--owner", "r1", "--newest", "-n", "2", "--json"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_object_is_shown_with_its_first_rows()
    {
        Answer("/api/v1/objects/a1", Item("a1") with { Batches = 1, Columns = [new ObjectColumn("a", "int64", true, 2)] });
        Answer("/api/v1/objects/a1/preview?rows=10", new ObjectPreview
        {
            Id = "a1",
            Columns = ["a", "b"],
            Rows = [[JsonSerializer.SerializeToElement(7), JsonSerializer.SerializeToElement("x\ny")], [JsonSerializer.SerializeToElement<string?>(null), JsonSerializer.SerializeToElement(true)]],
            Total = 1234,
        });
        var text = await RunAsync(0, "objects", "show", "a1");
        Assert.Contains("made by    r1/train\n", text, StringComparison.Ordinal);
        Assert.Contains("1,234 rows in 1 batch, 3 MiB\n", text, StringComparison.Ordinal);
        Assert.Contains("mapped by  17, 4711\n", text, StringComparison.Ordinal);
        Assert.Contains("a       int64  2\n", text, StringComparison.Ordinal);
        Assert.EndsWith("a  b\n7  x y\n-  true\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("preview", await RunAsync(0, "objects", "show", "a1", "--rows", "0", "--json"), StringComparison.Ordinal);
        await RunAsync(2, "objects", "show", "a9");
    }

    [Fact]
    public async Task Objects_are_pinned_and_unpinned_by_id()
    {
        Answer("/api/v1/objects/a1/pin", Item("a1") with { Pinned = true });
        Answer("/api/v1/objects/a2/pin", Item("a2") with { Owner = null });
        Assert.Equal("Pinned a1 (3 MiB of r1/train).\nPinned a2 (3 MiB).\n", await RunAsync(0, "objects", "pin", "a1", "a2"));
        Assert.Equal("Unpinned a1 (3 MiB of r1/train).\n", await RunAsync(0, "objects", "unpin", "a1"));
        Assert.Equal(["PUT /api/v1/objects/a1/pin", "PUT /api/v1/objects/a2/pin", "DELETE /api/v1/objects/a1/pin"], Asked);
        Answer("/api/v1/objects/a1", Item("a1") with { Pinned = true });
        Assert.Contains("pinned     until", await RunAsync(0, "objects", "show", "a1", "--rows", "0"), StringComparison.Ordinal);
        Answer("/api/v1/objects?limit=20", new ObjectPage { Objects = [Item("a1") with { Pinned = true }], Count = 1, Bytes = 1, Capacity = 1, Host = "h" });
        Assert.Contains("a pin, 17, 4711\n", await RunAsync(0, "objects"), StringComparison.Ordinal);
        await RunAsync(2, "objects", "pin", "a9");
    }

    [Fact]
    public async Task A_collection_tells_what_went_or_would_go()
    {
        var gone = new ObjectGc { DryRun = true, Objects = 1, Bytes = 3 << 20, Abandoned = 2, AbandonedBytes = 10, Mapped = 4, Pinned = 5, Largest = [Item("a1")] };
        Answer("/api/v1/objects/gc?dryRun=true&olderThan=1800", gone);
        var dry = await RunAsync(0, "objects", "gc", "--dry-run", "--older-than", "30m");
        Assert.Contains("a1  r1/train", dry, StringComparison.Ordinal);
        Assert.EndsWith("Would remove 1 object (3 MiB) and 2 unfinished of dead writers (10 B).\n4 more stay as long as a process has them mapped.\n5 more stay as long as they are pinned.\n", dry, StringComparison.Ordinal);
        Answer("/api/v1/objects/gc?dryRun=false&olderThan=3600", gone with { DryRun = false, Mapped = 0, Pinned = 0 });
        Assert.Equal("Removed 1 object (3 MiB) and 2 unfinished of dead writers (10 B).\n", await RunAsync(0, "objects", "gc"));
    }

    [Theory]
    [InlineData("objects", "--limit", "0")]
    [InlineData("objects", "show")]
    [InlineData("objects", "pin")]
    [InlineData("objects", "show", "a1", "--rows", "1001")]
    [InlineData("objects", "gc", "--older-than", "soon")]
    [InlineData("objects", "frob")]
    public async Task What_is_wrong_is_not_sent(params string[] args)
    {
        await RunAsync(2, args);
        Assert.Empty(Asked);
    }
}
