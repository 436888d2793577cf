using Gristmill.Objects;
using Gristmill.Worker;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Gristmill.Hosting;

/// <summary>Chooses where stages run, and how much of the machine they get.</summary>
internal static class StageExecutorFactory
{
    /// <summary>Where relative paths of pipelines start.</summary>
    public static string BaseDirectory(GristmillOptions options) => Path.GetFullPath(options.BaseDirectory ?? Directory.GetCurrentDirectory());

    public static IStageExecutor Create(IServiceProvider services)
    {
        var options = services.GetRequiredService<GristmillOptions>();
        var executor = new ResourceExecutor(CreateInner(services, options), options.Resources);
        return new FetchingExecutor(executor, services.GetRequiredService<ObjectStore>(), services.GetRequiredService<ObjectFetcher>());
    }

    private static IStageExecutor CreateInner(IServiceProvider services, GristmillOptions options)
    {
        var folder = services.GetRequiredService<DataFolder>();
        var objects = services.GetRequiredService<ObjectStore>();
        var content = services.GetRequiredService<ContentStore>();
        var tracking = services.GetService<ITrackingStore>();
        var time = services.GetRequiredService<TimeProvider>();
        var files = services.GetRequiredService<StageFiles>();
        var baseDirectory = BaseDirectory(options);
        if (options.Executor == ExecutorKind.InProcess)
        {
            var threads = options.ThreadsPerSlot == 0 ? Environment.ProcessorCount : options.ThreadsPerSlot;
            var host = new StageHost(objects, content, services.GetRequiredService<EngineCatalog>(), new StageHostOptions
            {
                Threads = threads,
                BaseDirectory = baseDirectory,
                CheckpointDirectory = files.Checkpoints,
            });
            return new InProcessStageExecutor(host, time, tracking, files);
        }

        var pool = new WorkerPoolOptions
        {
            ThreadsPerSlot = options.ThreadsPerSlot,
            MemoryMiB = options.WorkerMemoryMiB,
            LogDirectory = folder.Logs,
            BaseDirectory = baseDirectory,
        };
        if (options.Slots > 0)
        {
            pool = pool with { Slots = options.Slots };
        }

        return new WorkerStageExecutor(objects, content, pool, time, services.GetRequiredService<ILogger<WorkerStageExecutor>>(), tracking, files);
    }
}
