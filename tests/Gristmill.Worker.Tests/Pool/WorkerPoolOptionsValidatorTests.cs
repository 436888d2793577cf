namespace Gristmill.Worker.Tests;

public sealed class WorkerPoolOptionsValidatorTests
{
    [Fact]
    public void The_defaults_are_valid() => WorkerPoolOptionsValidator.Validate(new WorkerPoolOptions());

    [Fact]
    public void Every_option_out_of_range_is_named_at_once()
    {
        var error = Assert.Throws<GristmillException>(() => WorkerPoolOptionsValidator.Validate(new WorkerPoolOptions
        {
            Slots = 0,
            MemoryMiB = 3,
            IdleTimeout = TimeSpan.Zero,
            RuntimeDirectory = new string('x', 90),
        }));
        Assert.Equal(ErrorCodes.Invalid, error.Code);
        Assert.All(["Slots", "MemoryMiB", "IdleTimeout", "RuntimeDirectory"], name => Assert.Contains(name, error.Message, StringComparison.Ordinal));
    }
}
