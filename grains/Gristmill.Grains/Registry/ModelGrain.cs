using Gristmill.Grains.Pipelines;
using Gristmill.Grains.State;
using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Registry;

/// <inheritdoc cref="IModelGrain"/>
[GrainType("gristmill.model")]
internal sealed partial class ModelGrain(
    [PersistentState("model", StorageNames.Gristmill)] IPersistentState<ModelState> state,
    TimeProvider time,
    ILogger<ModelGrain> logger) : Grain, IModelGrain
{
    private readonly ILogger<ModelGrain> _logger = logger;
    private readonly Durable<ModelState> _state = new(state);

    private string Name => this.GetPrimaryKeyString();

    public async Task<ModelVersionView> RegisterAsync(RegisterModelRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        GristmillName.Require(Name, "model");
        if (request.Model is not { Digest.Length: > 0, Engine.Length: > 0 })
        {
            throw new GristmillException(
                ErrorCodes.Invalid, $"The request for model '{Name}' names no model package.", "Give the package's digest and engine.");
        }

        if (request.IdempotencyKey is { } key && _state.Value.Keys.TryGetValue(key, out var known))
        {
            return _state.Value.Versions[known - 1];
        }

        var version = new ModelVersionView
        {
            Version = _state.Value.Versions.Length + 1,
            Model = request.Model,
            Created = time.GetUtcNow(),
            RunId = request.RunId,
            Stage = request.Stage,
            Metrics = request.Metrics,
        };
        var next = new ModelState
        {
            Versions = _state.Value.Versions.Add(version),
            Keys = request.IdempotencyKey is null ? _state.Value.Keys : _state.Value.Keys.SetItem(request.IdempotencyKey, version.Version),
        };
        await CatalogNames.ListAndStoreAsync(
            GrainFactory, CatalogNames.Models, Name, isNew: version.Version == 1, () => _state.SetAsync(next));
        LogRegistered(Name, version.Version, version.Model.Digest);
        return version;
    }

    public Task<ModelView?> GetAsync() => Task.FromResult(_state.Value.Versions.Length == 0
        ? null
        : new ModelView { Name = Name, Versions = _state.Value.Versions });

    [LoggerMessage(Level = LogLevel.Information, Message = "Model {Model} has version {Version}: {Digest}")]
    private partial void LogRegistered(string model, int version, string digest);
}
