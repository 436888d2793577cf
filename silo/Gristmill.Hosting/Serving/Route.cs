using Gristmill.Engines;

namespace Gristmill.Hosting;

/// <summary>
/// One deployment on this silo. The model is loaded by the first request (requests meanwhile wait for that one load) and
/// unloaded after its idle time: nobody pays for a model that nobody calls.
/// </summary>
internal sealed class Route(DeploymentView deployment, Func<ModelRef, IPredictor> load, TimeProvider time)
{
    private readonly Lock _gate = new();
    private LoadedModel? _model;
    private Task<LoadedModel>? _loading;
    private long _lastUse = time.GetTimestamp();
    private bool _closed;

    public DeploymentView Deployment { get; } = deployment;

    public bool IsLoaded => Volatile.Read(ref _model) is not null;

    /// <summary>Enters the model, loading it first if need be. The caller calls <see cref="LoadedModel.Leave"/>.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Overloaded"/>, or why the model cannot be loaded.</exception>
    public ValueTask<LoadedModel> EnterAsync(CancellationToken cancellationToken)
    {
        Volatile.Write(ref _lastUse, time.GetTimestamp());
        var model = Volatile.Read(ref _model);
        if (model is not null)
        {
            if (model.InFlight >= Deployment.Spec.MaxInFlight)
            {
                throw new GristmillException(ErrorCodes.Overloaded,
                    $"Deployment '{Deployment.Name}' has {Deployment.Spec.MaxInFlight} requests in flight.", "Retry after a moment.");
            }

            if (model.TryEnter())
            {
                return ValueTask.FromResult(model);
            }
        }

        return new ValueTask<LoadedModel>(LoadAndEnterAsync(cancellationToken));
    }

    /// <summary>Unloads the model if nobody has used it for its idle time.</summary>
    public bool UnloadIfIdle()
    {
        lock (_gate)
        {
            if (_model is not { InFlight: 0 } model || time.GetElapsedTime(Volatile.Read(ref _lastUse)) < Deployment.Spec.IdleAfter)
            {
                return false;
            }

            _model = null;
            model.Leave();
            return true;
        }
    }

    /// <summary>Ends the route; requests inside finish.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
            _model?.Leave();
            _model = null;
        }
    }

    private async Task<LoadedModel> LoadAndEnterAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task<LoadedModel> loading;
            lock (_gate)
            {
                if (_closed)
                {
                    throw DeploymentEndpoints.Missing(Deployment.Name);
                }

                loading = _model is { } present ? Task.FromResult(present) : _loading ??= Task.Run(Load, CancellationToken.None);
            }

            var model = await loading.WaitAsync(cancellationToken);
            if (model.TryEnter())
            {
                return model;
            }
        }
    }

    private LoadedModel Load()
    {
        LoadedModel? model = null;
        try
        {
            model = new LoadedModel(load(Deployment.Package), Deployment);
            return model;
        }
        finally
        {
            lock (_gate)
            {
                _loading = null;
                if (_closed)
                {
                    model?.Leave();
                }
                else
                {
                    _model = model;
                }
            }
        }
    }
}
