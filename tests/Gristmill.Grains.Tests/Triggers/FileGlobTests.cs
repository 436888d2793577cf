namespace Gristmill.Grains.Triggers;

public sealed class FileGlobTests
{
    [Theory]
    [InlineData("/data/in/*.csv", "/data/in", false, "*.csv")]
    [InlineData("/data/in/**/*.csv", "/data/in", true, "*.csv")]
    [InlineData("/data/in/daily-????.parquet", "/data/in", false, "daily-????.parquet")]
    [InlineData("/*.csv", "/", false, "*.csv")]
    public void Patterns_are_taken_apart(string pattern, string folder, bool recursive, string name) =>
        Assert.Equal(new FileGlob(folder, recursive, name), FileGlob.Parse(pattern));

    [Theory]
    [InlineData("")]
    [InlineData("in/*.csv")]
    [InlineData("*.csv")]
    [InlineData("/data/")]
    [InlineData("/data/**")]
    [InlineData("/data/*/x.csv")]
    [InlineData("/data/**/b/*.csv")]
    [InlineData("/data/../etc/*")]
    [InlineData("/data/[ab].csv")]
    [InlineData("/data/{a,b}.csv")]
    [InlineData("/data/a**b.csv")]
    [InlineData("/data/a\n.csv")]
    public void Patterns_that_cannot_be_used_are_refused(string pattern) =>
        Assert.Equal(ErrorCodes.Glob, Assert.Throws<GristmillException>(() => FileGlob.Parse(pattern)).Code);
}
