namespace Gristmill.Storage.Postgres;

public sealed class PostgresOptionsValidatorTests
{
    [Theory, InlineData("Host=h;Password=a;b=very-secret"), InlineData("Host=h;Port=very-secret"), InlineData("very-secret")]
    public void A_connection_string_that_does_not_parse_is_told_without_showing_it(string text)
    {
        var error = Assert.Throws<OrleansConfigurationException>(() => new PostgresOptionsValidator("x", new PostgresOptions { ConnectionString = text }).ValidateConfiguration());

        Assert.Contains("ConnectionString", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("very-secret", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void All_problems_are_named_at_once()
    {
        var options = new PostgresOptions { MaxBatch = 0, RetryTimeout = TimeSpan.FromSeconds(-1) };

        var error = Assert.Throws<OrleansConfigurationException>(() => new PostgresOptionsValidator("x", options).ValidateConfiguration());

        Assert.All(["ConnectionString", "MaxBatch", "RetryTimeout"], name => Assert.Contains(name, error.Message, StringComparison.Ordinal));
    }
}
