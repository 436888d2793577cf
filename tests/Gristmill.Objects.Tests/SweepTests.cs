namespace Gristmill.Objects;

public sealed class SweepTests
{
    [Fact]
    public void A_killed_writers_segment_is_swept_and_sealed_ones_stay()
    {
        using var test = new TestStore();
        var kept = ObjectStoreTests.Write(test.Store, 100, 1);
        using var process = ChildProcess.StartWriter(test.Directory);
        try
        {
            Assert.Equal(2, test.Files().Length);
            Assert.Equal(0, test.Store.Sweep()); // its writer lives
        }
        finally
        {
            process.Kill();
            process.WaitForExit();
        }

        Assert.Equal(137, process.ExitCode);
        Assert.Equal(2, test.Files().Length);
        Assert.Equal(1, test.Store.Sweep());
        Assert.Equal(0, test.Store.Sweep());
        Assert.Equal(new string[] { kept.Id + ".arrow" }, test.Files());
        using var lease = test.Store.Get(kept);
        lease.Verify();
    }

    [Fact]
    public void A_segment_of_this_process_is_not_swept_while_it_is_written()
    {
        using var test = new TestStore();
        using var writer = test.Store.Create(new Apache.Arrow.Schema([], null));
        Assert.Equal(0, test.Store.Sweep());
        File.WriteAllText(Path.Combine(test.Directory, $"x.{Environment.ProcessId}.building"), "left by a process that had this id before");
        Assert.Equal(1, test.Store.Sweep());
        var reference = writer.Seal();
        Assert.True(test.Store.Contains(reference.Id));
    }
}
