namespace Gristmill.Storage.Sqlite;

public sealed class SqliteOptionsValidatorTests
{
    [Fact]
    public void Defaults_are_valid() => new SqliteOptionsValidator("x", new SqliteDatabaseOptions()).ValidateConfiguration();

    [Fact]
    public void All_problems_are_named_at_once()
    {
        var options = new SqliteDatabaseOptions { Path = " ", BusyTimeout = TimeSpan.Zero, MaxBatch = 0, MaxBytes = -1, Synchronous = (SqliteSynchronous)9 };

        var error = Assert.Throws<OrleansConfigurationException>(() => new SqliteOptionsValidator("x", options).ValidateConfiguration());

        foreach (var name in new[] { "Path", "BusyTimeout", "MaxBatch", "MaxBytes", "Synchronous" })
        {
            Assert.Contains(name, error.Message, StringComparison.Ordinal);
        }
    }

    [Theory, InlineData(":memory:"), InlineData("file:x?mode=memory")]
    public void Only_files_are_taken(string path) => Assert.Throws<OrleansConfigurationException>(
        () => new SqliteOptionsValidator("x", new SqliteDatabaseOptions { Path = path }).ValidateConfiguration());
}
