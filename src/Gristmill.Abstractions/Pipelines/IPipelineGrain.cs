namespace Gristmill;

/// <summary>One pipeline, keyed by its name.</summary>
[Alias("gristmill.IPipelineGrain")]
public interface IPipelineGrain : IGrainWithStringKey
{
    /// <summary>
    /// Validates and stores a spec as the newest version; the same spec again changes nothing. The spec goes in one message:
    /// <see cref="PipelineExtensions.RegisterPipelineAsync"/> takes specs of any size.
    /// </summary>
    [Alias("Register")]
    Task<PipelineView> RegisterAsync(PipelineSpec spec);
    /// <summary>Makes a spec that is already stored in chunks the newest version, once it has been read and found valid.</summary>
    [Alias("Publish")]
    Task<PipelineView> PublishAsync(BlobRef spec);
    /// <summary>The newest version, or null. A spec too large for a message is left out: <see cref="PipelineExtensions.GetPipelineAsync"/> reads it.</summary>
    [Alias("Get")]
    Task<PipelineView?> GetAsync();
    /// <summary>Starts a run of the newest version and returns its id once it is durable.</summary>
    [Alias("StartRun")]
    Task<string> StartRunAsync(RunRequest request);
    /// <summary>Its runs, newest first; at most 200 at once, as they go in one message.</summary>
    /// <param name="limit">1 to 1,000.</param>
    /// <param name="before">Only runs older than this id, for paging.</param>
    [Alias("ListRuns")]
    Task<IReadOnlyList<RunSummary>> ListRunsAsync(int limit, string? before);
    /// <summary>Called by a run when its status changes.</summary>
    [Alias("RunChanged")]
    Task OnRunChangedAsync(RunSummary summary);
}

/// <summary>The names in use: one grain a kind, keyed "pipelines", "models" or "deployments".</summary>
[Alias("gristmill.ICatalogGrain")]
public interface ICatalogGrain : IGrainWithStringKey
{
    /// <summary>Adds a name; again changes nothing.</summary>
    [Alias("Add")]
    Task AddAsync(string name);
    /// <summary>Removes a name; again changes nothing.</summary>
    [Alias("Remove")]
    Task RemoveAsync(string name);
    /// <summary>All names in ordinal order.</summary>
    [Alias("List")]
    Task<IReadOnlyList<string>> ListAsync();
}
