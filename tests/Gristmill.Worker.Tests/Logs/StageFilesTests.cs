using System.Text;

namespace Gristmill.Worker.Tests;

public sealed class StageFilesTests : IDisposable
{
    private static readonly StageOrigin Stage = new("run/../..", "stage");

    private readonly string _root = Directory.CreateTempSubdirectory("gm-files-").FullName;
    private readonly StageFiles _files;

    public StageFilesTests() => _files = Create();

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private StageFiles Create() => new(_root, new StageFilesOptions { HeadBytes = 10, TailBytes = 8 });

    private AttemptLog Open(int attempt = 1) => _files.Open(Mill.NoOp() with { RunId = Stage.Run, Stage = Stage.Stage, Attempt = attempt });

    [Fact]
    public void A_log_is_read_while_it_grows_and_after_it_has_ended()
    {
        var log = Open();
        Assert.Equal((0, 0, false), (_files.ReadLog(Stage, 1, null, 0, 100)!.Bytes, _files.ReadLog(Stage, 1, null, 0, 100)!.Next, _files.ReadLog(Stage, 1, null, 0, 100)!.Ended));
        log.Write("one "u8);
        var first = _files.ReadLog(Stage, 1, null, 0, 100)!;
        Assert.Equal(("one ", 4, false), (first.Text, first.Next, first.Ended));
        log.Write("two"u8);
        Assert.Equal("two", _files.ReadLog(Stage, 1, null, first.Next, 100)!.Text);

        var kept = _files.KeepLog(Stage, 1)!;
        Assert.Equal((1, 7, 0), (kept.Attempt, kept.Bytes, kept.Dropped));
        Assert.Null(_files.KeepLog(Stage, 1));
        var page = Create().ReadLog(Stage, 1, kept, 0, 100)!;
        Assert.Equal(("one two", true), (page.Text, page.Ended));
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(_root, "live")));
    }

    [Fact]
    public void A_silo_that_shares_the_folder_reads_what_another_prints_and_takes_up_what_a_dead_one_left()
    {
        var other = Create();
        Assert.Null(other.ReadLog(Stage, 1, null, 0, 100));
        var log = Open();
        log.Write("one "u8);
        log.Write("two and three"u8);
        var page = other.ReadLog(Stage, 1, null, 4, 100)!;
        Assert.Equal(("two an", 10L, 10L, false), (page.Text, page.Next, page.Bytes, page.Ended));

        // Its end lay in the memory of the silo that died.
        var kept = other.KeepLog(Stage, 1)!;
        Assert.Equal(("one two an", true), (_files.ReadLog(new StageOrigin("x", "y"), 1, kept, 0, 100)!.Text, other.ReadLog(Stage, 1, kept, 0, 100)!.Ended));
        Assert.Null(kept.Place);
    }

    [Fact]
    public void A_log_that_lies_elsewhere_is_an_error_that_says_where_and_one_that_is_gone_says_so()
    {
        var (here, elsewhere) = (Path.Combine(_root, "here"), Path.Combine(_root, "elsewhere"));
        static StageFiles At(string folder) => new(folder, new StageFilesOptions { Place = $"{folder} of host h" });
        var there = At(elsewhere);
        there.Open(Mill.NoOp() with { RunId = Stage.Run, Stage = Stage.Stage }).Write("said"u8);
        var kept = there.KeepLog(Stage, 1)!;
        Assert.Equal("said", there.ReadLog(Stage, 1, kept, 0, 100)!.Text);
        var error = Assert.Throws<GristmillException>(() => At(here).ReadLog(Stage, 1, kept, 0, 100));
        Assert.Equal((ErrorCodes.NotFound, $"{elsewhere} of host h"), (error.Code, error.Error.Details["place"]));
        Assert.Contains("ContentDirectory", error.Error.Hint, StringComparison.Ordinal);

        there.Remove(Stage, 1, [kept]);
        error = Assert.Throws<GristmillException>(() => there.ReadLog(Stage, 1, kept, 0, 100));
        Assert.Equal(ErrorCodes.NotFound, error.Code);
        Assert.Contains("kept no more", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Beginning_and_end_are_kept_and_what_was_left_out_is_counted(bool live)
    {
        var log = Open();
        for (var c = 'a'; c <= 'z'; c++)
        {
            log.Write([(byte)c]);
        }

        var kept = live ? null : _files.KeepLog(Stage, 1);
        var head = _files.ReadLog(Stage, 1, kept, 0, 100)!;
        Assert.Equal(("abcdefghij", 10L, 26L, 0L, false), (head.Text, head.Next, head.Bytes, head.Dropped, head.Ended));
        var tail = _files.ReadLog(Stage, 1, kept, head.Next, 100)!;
        Assert.Equal(("stuvwxyz", 18L, 26L, 8L, !live), (tail.Text, tail.Offset, tail.Next, tail.Dropped, tail.Ended));
        Assert.Equal("yz", _files.ReadLog(Stage, 1, kept, 24, 100)!.Text);
        Assert.Equal(8, (kept ?? _files.KeepLog(Stage, 1)!).Dropped);
    }

    [Fact]
    public void A_write_larger_than_all_that_is_kept_leaves_both_ends()
    {
        Open().Write(Encoding.ASCII.GetBytes(new string('x', 1000) + "the end"));
        var kept = _files.KeepLog(Stage, 1)!;
        Assert.Equal("xxxxxxxxxx", _files.ReadLog(Stage, 1, kept, 0, 100)!.Text);
        Assert.Equal("xthe end", _files.ReadLog(Stage, 1, kept, 10, 100)!.Text);
    }

    [Fact]
    public void Of_a_removed_stage_nothing_stays_and_of_others_everything()
    {
        var logs = new List<StageLogRef>();
        foreach (var attempt in (int[])[1, 2])
        {
            Open(attempt).Write("said"u8);
            logs.Add(_files.KeepLog(Stage, attempt)!);
        }

        // One whose end nobody saw, as its silo died, and one of another stage that says the same.
        Open(3).Write("lost"u8);
        _files.Open(Mill.NoOp() with { RunId = Stage.Run, Stage = "other", Attempt = 1 }).Write("said"u8);
        var other = _files.KeepLog(Stage with { Stage = "other" }, 1)!;

        var next = Create();
        next.Remove(Stage, 3, logs);
        next.Remove(Stage, 3, logs);

        Assert.Throws<GristmillException>(() => next.ReadLog(Stage, 1, logs[0], 0, 100));
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(_root, "live")));
        Assert.Equal("said", next.ReadLog(Stage with { Stage = "other" }, 1, other, 0, 100)!.Text);
    }

    [Fact]
    public void Pages_do_not_cut_characters()
    {
        Open().Write("aäbäc"u8);
        var text = "";
        for (long offset = 0; offset < 7;)
        {
            var page = _files.ReadLog(Stage, 1, null, offset, 4)!;
            text += page.Text;
            offset = page.Next;
        }

        Assert.Equal("aäbäc", text);
    }

    [Fact]
    public void What_a_dead_silo_left_is_kept_by_the_next()
    {
        Open(3).Write("so far"u8);
        var kept = Create().KeepLog(Stage, 3)!;
        Assert.Equal((6, 0), (kept.Bytes, kept.Dropped));
        Assert.Equal("so far", Create().ReadLog(Stage, 3, kept, 0, 100)!.Text);
    }

    [Fact]
    public void What_nobody_needs_any_more_goes_with_time()
    {
        Open().Write("text"u8);
        var kept = _files.KeepLog(Stage, 1)!;
        Directory.CreateDirectory(Path.Combine(_files.Checkpoints, "old"));
        Assert.Equal(0, _files.Sweep(DateTimeOffset.UtcNow));
        Assert.Equal(2, _files.Sweep(DateTimeOffset.UtcNow.AddDays(31)));
        Assert.Equal(ErrorCodes.NotFound, Assert.Throws<GristmillException>(() => _files.ReadLog(Stage, 1, kept, 0, 10)).Code);
    }

    [Fact]
    public void Attempts_that_print_nothing_leave_nothing()
    {
        Open();
        Assert.Null(_files.KeepLog(Stage, 1));
        Assert.Null(_files.ReadLog(Stage, 1, null, 0, 10));
        Assert.False(Directory.Exists(Path.Combine(_root, "live")));
    }
}
