using Gristmill.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Gristmill.Running;

/// <summary>A silo in this process, whose stages run in this process too, so that a debugger stops in them.</summary>
internal sealed class EmbeddedTarget : IRunTarget
{
    private readonly IHost _host;
    private readonly IGrainFactory _grains;

    private EmbeddedTarget(IHost host)
    {
        _host = host;
        _grains = host.Services.GetRequiredService<IGrainFactory>();
    }

    /// <param name="dataDirectory">Folder of models and state.</param>
    /// <param name="threads">Threads a stage may use; 0: as many as there are cores.</param>
    /// <param name="cancellationToken">Gives up the start.</param>
    public static async Task<EmbeddedTarget> StartAsync(string dataDirectory, int threads, CancellationToken cancellationToken)
    {
        // No arguments: those of the program are the pipeline's, not the host's.
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.AddFilter(level => level >= LogLevel.Error).AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.UseOrleans(silo => silo.UseGristmill(options =>
        {
            options.DataDirectory = Path.GetFullPath(dataDirectory);
            options.Executor = ExecutorKind.InProcess;
            options.ThreadsPerSlot = threads;
            // This silo lives for one run: what should run by itself is a server's to do.
            options.DeclaredTriggers = false;
            options.Dashboard = false;
            options.BaseDirectory = Environment.CurrentDirectory;
        }));
        var host = builder.Build();
        try
        {
            await host.StartAsync(cancellationToken);
            return new EmbeddedTarget(host);
        }
        catch
        {
            await DisposeAsync(host);
            throw;
        }
    }

    public async Task<string> StartAsync(Pipeline pipeline, RunRequest request, CancellationToken cancellationToken)
    {
        await _grains.RegisterPipelineAsync(pipeline.Spec);
        return await _grains.GetGrain<IPipelineGrain>(pipeline.Name).StartRunAsync(request);
    }

    public IAsyncEnumerable<RunEvent> WatchAsync(string run, CancellationToken cancellationToken) =>
        _grains.GetGrain<IRunGrain>(run).FollowAsync(cancellationToken);

    public Task CancelAsync(string run, CancellationToken cancellationToken) =>
        _grains.GetGrain<IRunGrain>(run).CancelAsync().WaitAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        try
        {
            await _host.StopAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            // It is dropped as it stands; everything durable is on disk.
        }

        // Before the folder's lock goes: the next program's tables would have the same place.
        DeleteTables(_host.Services.GetRequiredService<DataFolder>().ObjectDirectory);
        await DisposeAsync(_host);
    }

    /// <summary>
    /// Tables lie in memory. A server keeps those of its runs for the next one; after this process nobody asks for them, and
    /// hundreds of megabytes would stay taken until the machine restarts. Models and the history of runs are in the data folder.
    /// </summary>
    private static void DeleteTables(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Gone already, or still mapped where mapped files cannot be deleted: the next start sweeps them.
        }
    }

    private static async ValueTask DisposeAsync(IHost host)
    {
        if (host is IAsyncDisposable disposable)
        {
            await disposable.DisposeAsync();
        }
        else
        {
            host.Dispose();
        }
    }
}
