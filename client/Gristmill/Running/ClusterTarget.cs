using Gristmill.Client;
using Gristmill.Shipping;

namespace Gristmill.Running;

/// <summary>A server: the program's own assemblies are sent along if stages call them.</summary>
internal sealed class ClusterTarget(string server) : IRunTarget
{
    private readonly GristmillClient _client = new(server);

    /// <summary>Sends the code that stages call, if any.</summary>
    /// <returns>The spec, with the code named.</returns>
    public async Task<PipelineSpec> ShipAsync(Pipeline pipeline, CancellationToken cancellationToken)
    {
        var spec = pipeline.Spec;
        if (pipeline.Code is { } assembly)
        {
            var archive = CodeArchive.Pack(assembly.Location);
            spec = spec with { Code = await _client.UploadCodeAsync(archive, Path.GetFileName(assembly.Location), cancellationToken) };
        }

        return spec;
    }

    public async Task<string> StartAsync(Pipeline pipeline, RunRequest request, CancellationToken cancellationToken)
    {
        var spec = await ShipAsync(pipeline, cancellationToken);
        await _client.RegisterPipelineAsync(spec, cancellationToken);
        return await _client.StartRunAsync(spec.Name, request, cancellationToken);
    }

    public IAsyncEnumerable<RunEvent> WatchAsync(string run, CancellationToken cancellationToken) => _client.WatchRunAsync(run, cancellationToken);

    public Task CancelAsync(string run, CancellationToken cancellationToken) => _client.CancelRunAsync(run, cancellationToken);

    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        return ValueTask.CompletedTask;
    }
}
