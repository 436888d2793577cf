using Gristmill.Engines.Torch.Interop;
using TorchSharp;

namespace Gristmill.Engines.Torch;

public sealed class TorchRuntimeTests
{
    [Fact]
    public async Task Torch_computes_after_any_number_of_threads_loaded_it_at_once()
    {
        var infos = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(TorchRuntime.EnsureLoaded)));

        Assert.Single(infos.Distinct());
        Assert.True(TorchRuntime.IsLoaded);
        Assert.True(File.Exists(infos[0].BridgePath));
        Assert.Equal(MklHint.IsWanted, infos[0].MklHint);
        using var ones = torch.ones(2, 2);
        using var sum = ones.sum();
        Assert.Equal(4f, sum.item<float>());
    }

    [Fact]
    public void No_copy_of_libtorch_is_left_behind()
    {
        TorchRuntime.EnsureLoaded();
        using var tensor = torch.zeros(1);
        Assert.False(Directory.Exists(Path.Combine(AppContext.BaseDirectory, "cpu")));
    }

    [Fact]
    public void A_cache_folder_that_cannot_be_written_is_a_clear_error()
    {
        using var temp = new TempStore();
        File.WriteAllText(temp.File("file"), "");
        var bridge = TorchFiles.Find("libLibTorchSharp.so")!;

        var error = Assert.Throws<GristmillException>(() => TorchLibraries.Adapt(bridge, Path.Combine(temp.File("file"), "cache")));

        Assert.Equal(ErrorCodes.NativeLibrary, error.Code);
        Assert.Contains(NativeCache.Variable, error.Error.Hint);
    }

    [Fact]
    public void Zero_threads_are_refused() => Assert.Throws<ArgumentOutOfRangeException>(() => TorchRuntime.SetThreads(0));
}
