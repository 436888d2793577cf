namespace Gristmill;

/// <summary>One registered model with its versions, keyed by name.</summary>
[Alias("gristmill.IModelGrain")]
public interface IModelGrain : IGrainWithStringKey
{
    /// <summary>Adds a version and returns it; the same idempotency key again returns the same version.</summary>
    [Alias("Register")]
    Task<ModelVersionView> RegisterAsync(RegisterModelRequest request);
    /// <summary>The model, or null if it has no version.</summary>
    [Alias("Get")]
    Task<ModelView?> GetAsync();
}
