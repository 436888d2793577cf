namespace Gristmill.Engines;

public sealed class PlaceholderTests
{
    [Fact]
    public void The_project_builds() => Assert.True(true);
}
