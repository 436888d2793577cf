using Gristmill.Grains.Pipelines;
using Gristmill.Grains.State;
using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Serving;

/// <inheritdoc cref="IDeploymentGrain"/>
[GrainType("gristmill.deployment")]
internal sealed partial class DeploymentGrain(
    [PersistentState("deployment", StorageNames.Gristmill)] IPersistentState<DeploymentState> state,
    TimeProvider time,
    ILogger<DeploymentGrain> logger) : Grain, IDeploymentGrain
{
    private readonly ILogger<DeploymentGrain> _logger = logger;
    private readonly Durable<DeploymentState> _state = new(state);

    private string Name => this.GetPrimaryKeyString();

    private IDeploymentDirectoryGrain Directory => GrainFactory.GetGrain<IDeploymentDirectoryGrain>(DeploymentDirectoryGrain.Key);

    public async Task<DeploymentView> DeployAsync(DeploymentSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        GristmillName.Require(Name, "deployment");
        Validate(spec);
        var model = await ResolveAsync(spec);
        var current = _state.Value.View;
        if (current is null || current.Spec != spec || current.Version != model.Version || current.Package != model.Model)
        {
            var isNew = current is null;
            var generation = _state.Value.Generation + 1;
            current = new DeploymentView
            {
                Name = Name,
                Spec = spec,
                Version = model.Version,
                Package = model.Model,
                Generation = generation,
                Updated = time.GetUtcNow(),
            };
            var next = new DeploymentState { View = current, Generation = generation };
            await CatalogNames.ListAndStoreAsync(GrainFactory, CatalogNames.Deployments, Name, isNew, () => _state.SetAsync(next));
            LogDeployed(Name, spec.Model, model.Version, generation);
        }

        // Also when nothing changed: an earlier call may have failed before every silo was told.
        await Directory.OnChangedAsync(current);
        return current;
    }

    public Task<DeploymentView?> GetAsync() => Task.FromResult(_state.Value.View);

    public async Task DeleteAsync()
    {
        if (_state.Value.View is not null)
        {
            await _state.SetAsync(new DeploymentState { Generation = _state.Value.Generation + 1 });
            LogRemoved(Name);
        }

        if (_state.Value.Generation > 0)
        {
            await GrainFactory.GetGrain<ICatalogGrain>(CatalogNames.Deployments).RemoveAsync(Name);
            await Directory.OnRemovedAsync(Name, _state.Value.Generation);
        }
    }

    private void Validate(DeploymentSpec spec)
    {
        var problems = new List<string>();
        if (!GristmillName.IsValid(spec.Model))
        {
            problems.Add($"'{spec.Model}' is not a model name ({GristmillName.Rule})");
        }

        if (spec.Version is < 1)
        {
            problems.Add($"version {spec.Version} does not exist; versions count from 1");
        }

        if (spec.MaxInFlight is < 1 or > 1_000_000)
        {
            problems.Add($"maxInFlight is {spec.MaxInFlight}; 1 to 1,000,000 are possible");
        }

        if (spec.IdleAfter < TimeSpan.FromSeconds(1) || spec.IdleAfter > TimeSpan.FromDays(365))
        {
            problems.Add($"idleAfter is {spec.IdleAfter}; 1 second to 365 days are possible");
        }

        if (problems.Count > 0)
        {
            throw new GristmillException(
                ErrorCodes.Invalid, $"Deployment '{Name}' is not valid: {string.Join("; ", problems)}.", "Correct it; nothing was changed.")
                .With("problems", string.Join('\n', problems));
        }
    }

    private async Task<ModelVersionView> ResolveAsync(DeploymentSpec spec)
    {
        var model = await GrainFactory.GetGrain<IModelGrain>(spec.Model).GetAsync() ?? throw new GristmillException(
            ErrorCodes.NotFound, $"There is no model '{spec.Model}'.", "Register it by a run first, or list the models.").With("model", spec.Model);
        var version = spec.Version is { } wanted ? model.Versions.FirstOrDefault(v => v.Version == wanted) : model.Versions[^1];
        return version ?? throw new GristmillException(
            ErrorCodes.NotFound,
            $"Model '{spec.Model}' has no version {spec.Version}; its newest is {model.Versions[^1].Version}.",
            "Name an existing version, or none for the newest.").With("model", spec.Model);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Deployment {Deployment} serves {Model} version {Version}, generation {Generation}")]
    private partial void LogDeployed(string deployment, string model, int version, long generation);

    [LoggerMessage(Level = LogLevel.Information, Message = "Deployment {Deployment} is removed")]
    private partial void LogRemoved(string deployment);
}
