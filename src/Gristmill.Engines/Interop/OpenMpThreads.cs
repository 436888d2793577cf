using System.Runtime.InteropServices;

namespace Gristmill.Engines;

/// <summary>How the threads of engines that use OpenMP (LightGBM, libtorch) wait for each other.</summary>
public static partial class OpenMpThreads
{
    /// <summary>
    /// What libgomp finds in its environment: threads sleep while they wait, but look for work for some 40 us before (it reckons with 100
    /// rounds a us). A tree or a training step has thousands of parallel loops a few us apart: threads that sleep between them wake up for
    /// longer than they work, and threads that spin without end take the processor from all others.
    /// </summary>
    public static IReadOnlyDictionary<string, string> Environment { get; } = new Dictionary<string, string>
    {
        ["OMP_WAIT_POLICY"] = "passive",
        ["GOMP_SPINCOUNT"] = "4000",
    };

    /// <summary>
    /// Sets it for this process, but for what you set yourself. libgomp looks once, when it is loaded, and not where .NET keeps its
    /// environment. Nothing happens on systems other than Linux.
    /// </summary>
    public static void Configure()
    {
        if (OperatingSystem.IsLinux())
        {
            foreach (var (name, value) in Environment)
            {
                _ = SetEnvironment(name, value, overwrite: 0);
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);
}
