using Gristmill.Engines;

namespace Gristmill.Hosting;

/// <summary>
/// A predictor in use, counted: it is disposed when its owner has let go and the last request has left, so that a change
/// of version or an idle unload never pulls a model from under a request.
/// </summary>
internal sealed class LoadedModel(IPredictor predictor, DeploymentView deployment)
{
    private int _references = 1;

    public IPredictor Predictor { get; } = predictor;

    public DeploymentView Deployment { get; } = deployment;

    /// <summary>The start of every response: {"model":NAME,"version":N,"predictions": is written from here.</summary>
    public byte[] ResponseHead { get; } = PredictionJson.Head(deployment);

    /// <summary>Requests inside, not counting the owner.</summary>
    public int InFlight => Volatile.Read(ref _references) - 1;

    /// <summary>Enters unless the model is being unloaded.</summary>
    public bool TryEnter()
    {
        var seen = Volatile.Read(ref _references);
        while (seen > 0)
        {
            var before = Interlocked.CompareExchange(ref _references, seen + 1, seen);
            if (before == seen)
            {
                return true;
            }

            seen = before;
        }

        return false;
    }

    /// <summary>Leaves; the owner's own leave is its letting go.</summary>
    public void Leave()
    {
        if (Interlocked.Decrement(ref _references) == 0)
        {
            Predictor.Dispose();
        }
    }
}
