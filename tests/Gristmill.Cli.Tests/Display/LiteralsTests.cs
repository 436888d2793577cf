using Gristmill.Display;

namespace Gristmill.Cli.Display;

public sealed class LiteralsTests
{
    private static readonly ParameterSpec[] Known =
    [
        new("until", ParameterType.Date), new("epochs", ParameterType.Integer), new("rate", ParameterType.Number),
        new("fast", ParameterType.Boolean), new("name", ParameterType.String), new("at", ParameterType.Timestamp),
    ];

    [Theory]
    [InlineData("until=2001-04-01", "until", "\"2001-04-01\"")]
    [InlineData("epochs=4", "epochs", "4")]
    [InlineData("rate=0.5", "rate", "0.5")]
    [InlineData("fast=true", "fast", "true")]
    [InlineData("name=5", "name", "\"5\"")]
    [InlineData("name=a=b", "name", "\"a=b\"")]
    [InlineData("at=2001-04-01T00:00:00Z", "at", "\"2001-04-01T00:00:00Z\"")]
    public void A_parameter_becomes_the_literal_of_its_type(string pair, string name, string json) =>
        Assert.Equal((name, json), Literals.Parameter(pair, Known));

    [Theory]
    [InlineData("until=1.4.2001", "date")]
    [InlineData("epochs=4.5", "integer")]
    [InlineData("epochs=four", "integer")]
    [InlineData("fast=1", "boolean")]
    [InlineData("at=now", "timestamp")]
    [InlineData("what=1", "'what'")]
    [InlineData("epochs", "'epochs'")]
    public void A_parameter_of_another_type_is_refused(string pair, string named)
    {
        var error = Assert.Throws<GristmillException>(() => Literals.Parameter(pair, Known));

        Assert.Equal(ErrorCodes.Invalid, error.Code);
        Assert.Contains(named, error.Message);
    }
}
