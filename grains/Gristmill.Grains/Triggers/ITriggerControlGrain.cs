namespace Gristmill.Grains.Triggers;

/// <summary>What the control plane asks of a trigger; implemented by the same grain as <see cref="ITriggerGrain"/>.</summary>
[Alias("gristmill.ITriggerControlGrain")]
internal interface ITriggerControlGrain : IGrainWithStringKey
{
    /// <summary>Does what is due.</summary>
    [Alias("Wake")]
    Task WakeAsync();

    /// <summary>A run has ended; may be told more than once.</summary>
    /// <returns>Whether there is such a trigger.</returns>
    [Alias("RunEnded")]
    Task<bool> OnRunEndedAsync(RunEnded run);

    /// <summary>Throws if a pipeline's code cannot declare this trigger, because the name is another's.</summary>
    [Alias("CheckDeclare")]
    Task CheckDeclareAsync(string pipeline);

    /// <summary>Makes or changes the trigger as a pipeline's code says.</summary>
    [Alias("Declare")]
    Task DeclareAsync(TriggerSpec spec);

    /// <summary>Removes the trigger if this pipeline's code has declared it.</summary>
    [Alias("Undeclare")]
    Task UndeclareAsync(string pipeline);
}

/// <summary>A run that has ended.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.RunEnded")]
internal sealed record RunEnded(
    [property: Id(0)] string Run, [property: Id(1)] string Pipeline, [property: Id(2)] RunStatus Status, [property: Id(3)] DateTimeOffset Ended)
{
    [Id(4)] public DateTimeOffset Created { get; init; }
    /// <summary>The pipeline's version.</summary>
    [Id(5)] public string Version { get; init; } = "";
    /// <summary>Why it failed, or null.</summary>
    [Id(6)] public string? Reason { get; init; }
    /// <summary>As in <see cref="RunStart.CodeVersion"/>.</summary>
    [Id(7)] public string? CodeVersion { get; init; }
}

/// <summary>The triggers and backfills that hear of the runs of one pipeline, keyed by its name.</summary>
[Alias("gristmill.IRunSubscribersGrain")]
internal interface IRunSubscribersGrain : IGrainWithStringKey
{
    /// <summary>Adds a trigger, or changes what it starts.</summary>
    /// <param name="trigger">Its name.</param>
    /// <param name="starts">The pipeline that it starts for each end of a run, or "".</param>
    [Alias("Subscribe")]
    Task SubscribeAsync(string trigger, string starts);

    [Alias("Unsubscribe")]
    Task UnsubscribeAsync(string trigger);

    /// <summary>Adds a backfill; again changes nothing. It goes once it is over.</summary>
    [Alias("SubscribeBackfill")]
    Task SubscribeBackfillAsync(string backfill);

    /// <summary>The pipelines that start after this one's runs.</summary>
    [Alias("ListStarted")]
    Task<IReadOnlyList<string>> ListStartedAsync();

    /// <summary>Tells all of them; returns once each has stored what it does about it.</summary>
    [Alias("RunEnded")]
    Task OnRunEndedAsync(RunEnded run);
}

/// <summary>A page of a trigger's older firings, keyed "trigger/slot".</summary>
[Alias("gristmill.ITriggerHistoryGrain")]
internal interface ITriggerHistoryGrain : IGrainWithStringKey
{
    /// <summary>Adds firings to a page; one of a number that is there takes its place. An older page in the slot goes.</summary>
    [Alias("Add")]
    Task AddAsync(long page, IReadOnlyList<TriggerFiring> firings);

    /// <summary>The page's firings in order, or none if the slot holds another page.</summary>
    [Alias("Get")]
    Task<IReadOnlyList<TriggerFiring>> GetAsync(long page);

    [Alias("Clear")]
    Task ClearAsync();
}
