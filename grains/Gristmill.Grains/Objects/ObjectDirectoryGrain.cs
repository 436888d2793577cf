using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;

namespace Gristmill.Grains.Objects;

/// <summary>
/// Keeps nothing that could be lost: what it does not know it asks all silos for, so that an activation that died costs the next reader a question to each.
/// Only its own turns change the state; what waits for silos to answer looks at it anew afterwards.
/// </summary>
[Reentrant]
internal sealed partial class ObjectDirectoryGrain(IObjectHosts hosts, TimeProvider time, ILogger<ObjectDirectoryGrain> logger) : Grain, IObjectDirectoryGrain
{
    /// <summary>Readings that a silo serves at once of one object: two, so that who has read it soon serves two more.</summary>
    public const int ReadingsAtOnce = 2;

    /// <summary>Objects remembered; one that is forgotten costs a question.</summary>
    private const int Most = 20_000;

    /// <summary>Longer than most readings take: the end of one may not have been told.</summary>
    private static readonly TimeSpan s_longest = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan s_wait = TimeSpan.FromSeconds(10), s_answer = TimeSpan.FromSeconds(5);
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private readonly ILogger<ObjectDirectoryGrain> _logger = logger;

    public async Task<bool> HoldsAsync(string id)
    {
        // What is remembered may be gone since, and who asks relies on it.
        foreach (var holder in _entries.GetValueOrDefault(id)?.Holders.ToList() ?? [])
        {
            if (await AskAsync(holder, id))
            {
                return true;
            }

            _entries.GetValueOrDefault(id)?.Holders.Remove(holder);
        }

        return (await FindAsync(id, [])).Holders.Count > 0;
    }

    public async Task<ObjectSource> AcquireAsync(string id, SiloAddress reader, ImmutableArray<SiloAddress> not)
    {
        var start = time.GetTimestamp();
        not = not.Add(reader);
        while (true)
        {
            var entry = await FindAsync(id, not);
            var alive = hosts.Active;
            entry.Readings.RemoveAll(reading => !alive.Contains(reading.Reader) || !alive.Contains(reading.Source) || time.GetElapsedTime(reading.Since) > s_longest);
            // The nearest first: one of the reader's own machine, then whoever serves fewest.
            var free = entry.Holders.Where(holder => !not.Contains(holder)).ToList();
            var best = free.Select(holder => (Silo: holder, Readings: entry.Readings.Count(reading => reading.Source.Equals(holder)))).Where(static holder => holder.Readings < ReadingsAtOnce)
                .OrderByDescending(holder => holder.Silo.Endpoint.Address.Equals(reader.Endpoint.Address)).ThenBy(static holder => holder.Readings).FirstOrDefault();
            if (best.Silo is { } silo)
            {
                entry.Readings.Add(new Reading(silo, reader, time.GetTimestamp()));
                return new ObjectSource(silo, false);
            }

            if (free.Count == 0 || time.GetElapsedTime(start) > s_wait)
            {
                return new ObjectSource(null, free.Count > 0);
            }

            try
            {
                // Looked at now and then all the same: a reader that died says nothing.
                await entry.Changed.Task.WaitAsync(TimeSpan.FromSeconds(1), time);
            }
            catch (TimeoutException)
            {
                // Its turn may have come by that.
            }
        }
    }

    public Task ReleaseAsync(string id, SiloAddress source, SiloAddress reader, ReadingOutcome outcome)
    {
        if (_entries.TryGetValue(id, out var entry))
        {
            entry.Readings.RemoveAll(reading => reading.Source.Equals(source) && reading.Reader.Equals(reader));
            if (outcome == ReadingOutcome.Copied)
            {
                entry.Holders.Add(reader);
            }
            else if (outcome == ReadingOutcome.Gone)
            {
                entry.Holders.Remove(source);
            }

            var changed = entry.Changed;
            entry.Changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            changed.SetResult();
        }

        return Task.CompletedTask;
    }

    /// <summary>What is known of an object; where that is nobody who may be asked, the silos say.</summary>
    private async Task<Entry> FindAsync(string id, ImmutableArray<SiloAddress> not)
    {
        var alive = hosts.Active;
        if (_entries.TryGetValue(id, out var known))
        {
            known.Holders.RemoveWhere(holder => !alive.Contains(holder));
            if (known.Holders.Any(holder => !not.Contains(holder)))
            {
                return known;
            }
        }

        var answers = await Task.WhenAll(alive.Where(silo => !not.Contains(silo)).Select(async silo => (Silo: silo, Holds: await AskAsync(silo, id))));
        if (!_entries.TryGetValue(id, out var entry))
        {
            if (_entries.Count >= Most)
            {
                foreach (var (other, idle) in _entries.Where(static other => other.Value.Readings.Count == 0).ToList())
                {
                    _entries.Remove(other);
                }
            }

            _entries[id] = entry = new Entry();
        }

        entry.Holders.UnionWith(answers.Where(static answer => answer.Holds).Select(static answer => answer.Silo));
        return entry;
    }

    private async Task<bool> AskAsync(SiloAddress silo, string id)
    {
        try
        {
            return await hosts.At(silo).HoldsAsync(id).WaitAsync(s_answer, time);
        }
        catch (Exception e)
        {
            // It is dying, or has just begun: what it has others may have, or it is asked again.
            LogNoAnswer(silo, id, e);
            return false;
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Silo {Silo} does not say whether it holds object {Id}")]
    private partial void LogNoAnswer(SiloAddress silo, string id, Exception exception);

    private readonly record struct Reading(SiloAddress Source, SiloAddress Reader, long Since);

    private sealed class Entry
    {
        public HashSet<SiloAddress> Holders { get; } = [];

        public List<Reading> Readings { get; } = [];

        /// <summary>Completed when a reading ends, and then another.</summary>
        public TaskCompletionSource Changed { get; set; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
