using TorchSharp;

namespace Gristmill.Engines.Torch;

public sealed class TorchErrorsTests
{
    [Fact]
    public void An_error_of_libtorch_is_cut_to_its_first_line_and_coded()
    {
        TorchRuntime.EnsureLoaded();
        using var scope = torch.NewDisposeScope();

        var error = Assert.Throws<GristmillException>(() => TorchErrors.Guard(() => torch.ones(2, 3).mm(torch.ones(2, 3))));

        Assert.Equal(ErrorCodes.StageFailed, error.Code);
        Assert.Contains("2x3", error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }
}
