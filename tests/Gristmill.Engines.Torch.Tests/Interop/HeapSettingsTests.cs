using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Gristmill.Engines.Torch.Interop;

public sealed class HeapSettingsTests
{
    private const int PageBytes = 4096;

    [Theory]
    [InlineData("", "", true)]
    [InlineData("MALLOC_TRIM_THRESHOLD_", "1", false)]
    [InlineData("MALLOC_MMAP_THRESHOLD_", "1", false)]
    [InlineData("MALLOC_TOP_PAD_", "0", false)]
    [InlineData("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1", false)]
    [InlineData("GLIBC_TUNABLES", "glibc.cpu.x86_ibt=off", true)]
    [InlineData("MALLOC_ARENA_MAX", "2", true)]
    public void What_the_user_says_of_malloc_holds(string variable, string value, bool wanted) =>
        Assert.Equal(wanted, HeapSettings.IsWanted(name => name == variable ? value : null));

    [Fact]
    public void A_step_finds_the_memory_that_the_step_before_freed()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && TorchRuntime.EnsureLoaded().KeepsHeap, "Malloc is as the environment says.");

        using var scope = torch.NewDisposeScope();
        var net = torch.nn.Sequential(
            torch.nn.Conv2d(1, 32, 3), torch.nn.ReLU(), torch.nn.Conv2d(32, 64, 3), torch.nn.ReLU(), torch.nn.MaxPool2d(2));
        var images = torch.randn(64, 1, 28, 28);
        var faults = FaultsOfSteps(() => Train(net, images), steps: 15);

        // The first steps grow the heap. A step's largest tensor alone, of 64 x 64 x 24 x 24 floats, has 2,304 pages.
        Assert.InRange(faults[5..].Order().ElementAt(5), 0, 300);
    }

    [Fact]
    public void Tensors_too_large_for_the_heap_lie_in_huge_pages()
    {
        const string Setting = "/sys/kernel/mm/transparent_hugepage/enabled";
        TorchRuntime.EnsureLoaded();
        Assert.SkipUnless(File.Exists(Setting) && !File.ReadAllText(Setting).Contains("[never]", StringComparison.Ordinal)
            && Environment.GetEnvironmentVariable(HeapSettings.HugePages) is null, "This kernel has no huge pages for those who ask.");
        var size = 4L * HeapSettings.MapThreshold;

        var faults = FaultsOfSteps(() => Fill(size), steps: 3);

        Assert.InRange(faults.Min(), 1, size / PageBytes / 4);
    }

    private static void Train(Module<Tensor, Tensor> net, Tensor images)
    {
        using var scope = torch.NewDisposeScope();
        net.zero_grad();
        net.call(images).mean().backward();
    }

    private static void Fill(long bytes)
    {
        using var tensor = torch.empty([bytes / sizeof(float)]);
        tensor.fill_(1f);
    }

    // On a thread of its own, as stages run, with one torch thread: the kernel's count is then of these steps and of no other test.
    private static long[] FaultsOfSteps(Action step, int steps)
    {
        var seen = new long[steps];
        var thread = new Thread(() =>
        {
            TorchRuntime.SetThreads(1);
            for (var i = 0; i < steps; i++)
            {
                var before = MinorFaults();
                step();
                seen[i] = MinorFaults() - before;
            }
        });
        thread.Start();
        thread.Join();
        return seen;
    }

    // minflt is the 8th field after the command's name: proc_pid_stat(5).
    private static long MinorFaults()
    {
        var text = File.ReadAllText("/proc/thread-self/stat");
        return long.Parse(text[(text.LastIndexOf(')') + 2)..].Split(' ')[7], CultureInfo.InvariantCulture);
    }
}
