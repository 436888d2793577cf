using Gristmill.Cli.Infrastructure;

namespace Gristmill.Cli;

public sealed class SourceWatcherTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gristmill-watch-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_save_is_told_once_however_many_steps_it_takes()
    {
        Write("pipeline.cs", "one");
        Write("other.cs", "x");
        using var watcher = new SourceWatcher(_folder, TimeProvider.System);
        var next = watcher.NextAsync(TestContext.Current.CancellationToken);

        Write("pipeline.cs", "");
        Write("pipeline.cs", "two");
        // As editors do that write another file and rename it; and a date alone is no change.
        Write("other.cs.tmp", "y");
        File.Move(Path.Combine(_folder, "other.cs.tmp"), Path.Combine(_folder, "other.cs"), overwrite: true);

        var told = new HashSet<string>(await next);
        while (told.Count < 2)
        {
            told.UnionWith(await watcher.NextAsync(TestContext.Current.CancellationToken));
        }

        Assert.Equal(["other.cs", "pipeline.cs"], told.Order());
    }

    [Fact]
    public async Task What_says_the_same_as_before_is_no_change()
    {
        Write("pipeline.cs", "one");
        using var watcher = new SourceWatcher(_folder, TimeProvider.System);
        var next = watcher.NextAsync(TestContext.Current.CancellationToken);

        Write("pipeline.cs", "one");
        Write("last.cs", "new");

        Assert.Equal(["last.cs"], await next);
    }

    [Fact]
    public void What_builds_and_editors_leave_is_no_source()
    {
        using var watcher = new SourceWatcher(_folder, TimeProvider.System);

        Assert.All((string[])["pipeline.cs", "a/b.cs", "p.csproj", "query.sql"], file => Assert.True(watcher.IsSource(Path.Combine(_folder, file)), file));
        Assert.All((string[])["bin/x.cs", "obj/a.cs", ".git/x.json", ".gristmill/dev/x.json", "notes.txt", "pipeline.cs~", ".pipeline.cs.swp", "tests/T.cs"],
            file => Assert.False(watcher.IsSource(Path.Combine(_folder, file)), file));
    }

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(_folder, name), text);
}
