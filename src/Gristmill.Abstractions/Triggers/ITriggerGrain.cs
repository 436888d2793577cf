using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Orleans.Concurrency;

namespace Gristmill;

/// <summary>One trigger, keyed by its name. Every firing is stored before it is acted on.</summary>
[Alias("gristmill.ITriggerGrain")]
public interface ITriggerGrain : IGrainWithStringKey
{
    /// <summary>Makes or changes the trigger; the same spec again changes nothing.</summary>
    /// <param name="spec">What it does.</param>
    /// <param name="onlyNew">Whether a trigger of this name with another spec is a conflict.</param>
    [Alias("Put")]
    Task<TriggerView> PutAsync(TriggerSpec spec, bool onlyNew);
    /// <summary>The trigger, or null.</summary>
    [Alias("Get"), AlwaysInterleave]
    Task<TriggerView?> GetAsync();
    /// <summary>Removes it with its history; again changes nothing. Its runs stay.</summary>
    [Alias("Remove")]
    Task RemoveAsync();
    /// <summary>Fires nothing until resumed, also after a restart; again changes nothing.</summary>
    [Alias("Pause")]
    Task<TriggerView> PauseAsync();
    /// <summary>Fires again; what a schedule had for the time in between is not made up for.</summary>
    [Alias("Resume")]
    Task<TriggerView> ResumeAsync();
    /// <summary>Fires now, also while paused.</summary>
    [Alias("Fire")]
    Task<TriggerFiring> FireAsync(TriggerFireRequest request);
    /// <summary>Its newest firings, newest first.</summary>
    /// <param name="limit">1 to 200.</param>
    /// <param name="before">Only those with a lower number, for paging; 0: all.</param>
    [Alias("ListFirings")]
    Task<IReadOnlyList<TriggerFiring>> ListFiringsAsync(int limit, long before);
    /// <summary>Takes in a webhook request whose signature was found good.</summary>
    [Alias("Deliver")]
    Task<TriggerFiring> DeliverAsync(WebhookDelivery delivery);
}

/// <summary>Asks a trigger to fire now.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.TriggerFireRequest")]
public sealed record TriggerFireRequest
{
    /// <summary>Two requests with one key make one firing; null: each makes one. 1 to 200 characters.</summary>
    [Id(0)] public string? IdempotencyKey { get; init; }
    /// <summary>Parameters in place of the trigger's own, JSON literals as text.</summary>
    [Id(1), JsonConverter(typeof(RawJsonMapConverter))] public ImmutableDictionary<string, string> Parameters { get; init; } = ImmutableDictionary<string, string>.Empty;
    /// <summary>The time it is for, for <c>{{scheduled}}</c>; null: now.</summary>
    [Id(2)] public DateTimeOffset? Scheduled { get; init; }
}

/// <summary>A verified webhook request; of its body only what the trigger's parameters ask for.</summary>
/// <param name="Id">The sender's message id.</param>
/// <param name="Timestamp">When the sender signed it.</param>
/// <param name="Values">Values by placeholder, JSON literals as text.</param>
[GenerateSerializer, Immutable, Alias("gristmill.WebhookDelivery")]
public sealed record WebhookDelivery(
    [property: Id(0)] string Id, [property: Id(1)] DateTimeOffset Timestamp, [property: Id(2)] ImmutableDictionary<string, string> Values);

/// <summary>The names of triggers, in shards keyed 0 to <see cref="ShardCount"/> - 1.</summary>
[Alias("gristmill.ITriggerDirectoryGrain")]
public interface ITriggerDirectoryGrain : IGrainWithIntegerKey
{
    /// <summary>Number of shards.</summary>
    const int ShardCount = 32;
    /// <summary>Adds a trigger, or changes which pipeline it is for.</summary>
    [Alias("Add")]
    Task AddAsync(string trigger, string pipeline);
    /// <summary>Removes a trigger; again changes nothing.</summary>
    [Alias("Remove")]
    Task RemoveAsync(string trigger);
    /// <summary>Names in ordinal order.</summary>
    /// <param name="pipeline">Only those of this pipeline; null: all.</param>
    /// <param name="after">Only names that come after this one; null: all.</param>
    /// <param name="limit">At most so many.</param>
    [Alias("List")]
    Task<IReadOnlyList<string>> ListAsync(string? pipeline, string? after, int limit);
}
