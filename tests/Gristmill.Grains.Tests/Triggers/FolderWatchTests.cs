namespace Gristmill.Grains.Triggers;

public sealed class FolderWatchTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gristmill-files-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Write(string name, string text = "x")
    {
        var path = Path.Combine(_folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    private FileArrival Source(string pattern, bool changes = false) => new() { Path = Path.Combine(_folder, pattern), Changes = changes };

    /// <summary>Looks, and takes what has arrived.</summary>
    private static string[] Look(FolderWatch watch, FileArrival source)
    {
        var present = FolderWatch.Look(FileGlob.Parse(source.Path));
        var arrived = watch.Arrived(present, 100);
        watch.Take(arrived, present);
        return [.. arrived.Select(static file => Path.GetFileName(file.Path))];
    }

    [Fact]
    public void A_file_arrives_when_it_rests_and_once()
    {
        var source = Source("*.csv");
        var watch = new FolderWatch(source, new FileLedger());
        Write("a.csv");
        Assert.Empty(Look(watch, source));
        Write("a.csv", "longer");
        Write("b.csv");
        Assert.Empty(Look(watch, source));
        Assert.Equal(["a.csv", "b.csv"], Look(watch, source));
        Write("a.csv", "changed again");
        Assert.Empty(Look(watch, source));
        Assert.Empty(Look(watch, source));

        // The next silo reads the ledger.
        var next = new FolderWatch(source, watch.Ledger);
        Write("c.csv");
        Assert.Empty(Look(next, source));
        Assert.Equal(["c.csv"], Look(next, source));
    }

    [Fact]
    public void A_file_that_was_written_anew_arrives_again_where_changes_count()
    {
        var source = Source("*.csv", changes: true);
        var watch = new FolderWatch(source, new FileLedger());
        Write("a.csv");
        Look(watch, source);
        Assert.Equal(["a.csv"], Look(watch, source));
        Write("a.csv", "changed");
        Assert.Empty(Look(watch, source));
        Assert.Equal(["a.csv"], Look(watch, source));
        Assert.Empty(Look(watch, source));
    }

    [Fact]
    public void Only_names_that_fit_and_whose_writer_is_done_are_looked_at()
    {
        foreach (var name in (string[])["a.csv", "a.CSV", "b.csv.tmp", ".c.csv", "_d.csv", "e.csv.part", "f.txt", "sub/g.csv", "sub/deep/h.csv", "i*.csv"])
        {
            Write(name);
        }

        File.CreateSymbolicLink(Path.Combine(_folder, "link.csv"), "/etc/passwd");
        Directory.CreateSymbolicLink(Path.Combine(_folder, "sub/loop"), _folder);
        string[] Names(string pattern) => [.. FolderWatch.Look(FileGlob.Parse(Path.Combine(_folder, pattern))).Select(file => Path.GetRelativePath(_folder, file.Path))];

        Assert.Equal(["a.csv", "i*.csv"], Names("*.csv"));
        Assert.Equal(["a.csv"], Names("?.csv"));
        Assert.Equal(["a.csv", "i*.csv", "sub/deep/h.csv", "sub/g.csv"], Names("**/*.csv"));
    }

    [Fact]
    public void A_folder_that_is_not_there_is_named()
    {
        var error = Assert.Throws<GristmillException>(() => FolderWatch.Look(FileGlob.Parse("/nowhere/at/all/*.csv")));

        Assert.Equal(ErrorCodes.FileNotFound, error.Code);
        Assert.Contains("/nowhere/at/all", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_ledger_is_bounded_and_forgets_first_what_is_gone()
    {
        var source = Source("*.csv");
        var watch = new FolderWatch(source, new FileLedger());
        var old = Enumerable.Range(0, FolderWatch.MaxFiles).Select(i => new ArrivedFile($"/gone/{i}", 1, default)).ToList();
        watch.Take(old, old);
        var kept = new[] { old[0], new ArrivedFile("/new/1", 1, default), new ArrivedFile("/new/2", 1, default) };
        watch.Take(kept, kept);

        Assert.Equal(FolderWatch.MaxFiles, watch.Ledger.Files.Length);
        Assert.Empty(watch.Arrived(kept, 10));
        Assert.Empty(watch.Arrived(kept, 10));
    }
}
