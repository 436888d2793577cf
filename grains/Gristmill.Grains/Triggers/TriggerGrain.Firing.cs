using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Gristmill.Grains.Runs;
using Orleans.Storage;

namespace Gristmill.Grains.Triggers;

// From a stored firing to its run.
internal sealed partial class TriggerGrain
{
    /// <summary>Firings that may wait where the policy lets none: they do only while no run can be stored.</summary>
    private const int MaxWaiting = 50;

    /// <summary>Firings in the trigger's own state, and how many of them move to its history at once.</summary>
    private const int MaxRecent = 48, Move = 32;

    private const int MaxTries = 20;
    private const int MaxKept = 1024;

    /// <summary>Ids of the firings of this trigger, for sources whose events may come again; loaded when first asked.</summary>
    private Dictionary<string, long>? _seen;
    private int _tries;

    private int WaitingLimit => Spec.Concurrency == ConcurrencyPolicy.Queue ? Spec.QueueLimit : MaxWaiting;

    private TriggerFiring New(string id, DateTimeOffset scheduled, DateTimeOffset now, ImmutableDictionary<string, string> values,
        ImmutableDictionary<string, string>? given = null, string? reason = null)
    {
        var firing = new TriggerFiring { Number = 0, Id = id, Scheduled = scheduled, Fired = now, Outcome = FiringOutcome.Waiting, Reason = reason };
        values = values.SetItem(TriggerTemplate.Firing, JsonSerializer.Serialize(id, GristmillJson.Options));
        try
        {
            var parameters = given is null ? Spec.Parameters : Spec.Parameters.SetItems(given);
            return firing with { Parameters = TriggerTemplate.Fill(parameters, values), Partition = PartitionOf(values) };
        }
        catch (GristmillException e)
        {
            return firing with { Outcome = FiringOutcome.Failed, Error = Short(e.Error) };
        }
    }

    /// <summary>The partition in a form that the pipeline makes whole: it knows its keys.</summary>
    private string? PartitionOf(ImmutableDictionary<string, string> values) => Spec.Partition is null ? null : string.Join('/', TriggerTemplate.PartitionParts(Spec).Select(part =>
    {
        // Of a time, the partition that has ended last by that day.
        var placeholder = TriggerTemplate.Placeholder(part);
        var ofTime = placeholder is TriggerTemplate.Scheduled or TriggerTemplate.ScheduledDate;
        using var value = JsonDocument.Parse(placeholder is null ? part : TriggerTemplate.Value(ofTime ? TriggerTemplate.ScheduledDate : placeholder, values, "the partition"));
        return (ofTime ? "@" : "") + value.RootElement;
    }));

    /// <summary>The values that every firing has.</summary>
    private ImmutableDictionary<string, string> Values(DateTimeOffset scheduled)
    {
        var zone = Spec.Cron is { } cron && TimeZoneInfo.TryFindSystemTimeZoneById(cron.TimeZone, out var found) ? found : TimeZoneInfo.Utc;
        var local = TimeZoneInfo.ConvertTime(scheduled, zone);
        return ImmutableDictionary.Create<string, string>(StringComparer.Ordinal)
            .Add(TriggerTemplate.Scheduled, JsonSerializer.Serialize(local.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFFzzz", CultureInfo.InvariantCulture), GristmillJson.Options))
            .Add(TriggerTemplate.ScheduledDate, JsonSerializer.Serialize(local.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), GristmillJson.Options));
    }

    /// <summary>Stores firings, with whatever else belongs to the same decision, in one write.</summary>
    private async Task AddAsync(List<TriggerFiring> firings, Func<TriggerState, TriggerState> decide)
    {
        var limit = WaitingLimit;
        var waiting = State.Recent.Count(static firing => firing.Outcome == FiringOutcome.Waiting);
        var number = State.Firings;
        var recent = State.Recent.ToBuilder();
        foreach (var firing in firings)
        {
            var full = firing.Outcome == FiringOutcome.Waiting && waiting >= limit;
            waiting += firing.Outcome == FiringOutcome.Waiting && !full ? 1 : 0;
            recent.Add(firing with
            {
                Number = ++number,
                Outcome = full ? FiringOutcome.Skipped : firing.Outcome,
                Reason = full ? $"{limit} firings wait already" : firing.Reason,
                Parameters = full ? Kept(firing.Parameters) : firing.Parameters,
            });
        }

        await TrimAsync(recent);
        await SaveAsync(decide(State) with { Recent = recent.ToImmutable(), Firings = number });
        foreach (var firing in recent.TakeLast(firings.Count))
        {
            _seen?.TryAdd(firing.Id, firing.Number);
            if (firing.Outcome != FiringOutcome.Waiting)
            {
                LogFired(Name, firing.Id, firing.Outcome, null, firing.Reason ?? firing.Error?.Code);
            }
        }
    }

    /// <summary>Moves the oldest that are settled to the history: first they are there, then they go here.</summary>
    private async Task TrimAsync(ImmutableArray<TriggerFiring>.Builder recent)
    {
        if (recent.Count > MaxRecent)
        {
            var moved = recent.Where(static firing => firing.Outcome != FiringOutcome.Waiting).Take(Math.Max(Move, recent.Count - MaxRecent)).ToList();
            await History.AddAsync(moved);
            var numbers = moved.Select(static firing => firing.Number).ToHashSet();
            recent.RemoveAll(firing => numbers.Contains(firing.Number));
        }
    }

    /// <summary>A firing by its id, if it is among those that are kept.</summary>
    private async Task<TriggerFiring?> FindAsync(string id)
    {
        if (State.Recent.FirstOrDefault(firing => firing.Id == id) is { } recent)
        {
            return recent;
        }

        if (_seen is null)
        {
            var kept = await History.ListAsync(State.Firings + 1, TriggerHistory.Capacity);
            _seen = new Dictionary<string, long>(StringComparer.Ordinal);
            foreach (var firing in kept.Concat(State.Recent))
            {
                _seen.TryAdd(firing.Id, firing.Number);
            }
        }

        if (_seen.Count > 2 * TriggerHistory.Capacity)
        {
            foreach (var (old, at) in _seen.Where(entry => entry.Value <= State.Firings - TriggerHistory.Capacity).ToList())
            {
                _seen.Remove(old);
            }
        }

        return _seen.TryGetValue(id, out var number) ? (await History.ListAsync(number + 1, 1)).FirstOrDefault(firing => firing.Id == id)
            ?? new TriggerFiring { Number = number, Id = id, Scheduled = default, Fired = default, Outcome = FiringOutcome.Started } : null;
    }

    /// <summary>Starts what waits, in its order, as far as the policy lets it.</summary>
    private async Task PumpAsync()
    {
        while (State.Exists && State.Recent.FirstOrDefault(static firing => firing.Outcome == FiringOutcome.Waiting) is { } firing)
        {
            if (Spec.Concurrency != ConcurrencyPolicy.Allow && State.Active is { } active && await IsUnderWayAsync(active))
            {
                switch (Spec.Concurrency)
                {
                    case ConcurrencyPolicy.Queue:
                        return;
                    case ConcurrencyPolicy.Forbid:
                        await SettleAsync(firing with { Outcome = FiringOutcome.Skipped, Reason = $"run {active} was still under way" }, active);
                        continue;
                    default:
                        await GrainFactory.GetGrain<IRunGrain>(active).CancelAsync();
                        break;
                }
            }

            if (!await StartAsync(firing))
            {
                return;
            }
        }
    }

    private async Task<bool> IsUnderWayAsync(string run) =>
        await GrainFactory.GetGrain<IRunControlGrain>(run).GetSummaryAsync() is { Ended: null };

    /// <summary>Starts a firing's run or marks its partition stale, or notes why that was refused.</summary>
    /// <returns>Whether that is settled: not while storage or a silo is away.</returns>
    private async Task<bool> StartAsync(TriggerFiring firing)
    {
        try
        {
            if (Spec.MarkStale)
            {
                // After a crash it may mark once more, which costs a run at most.
                var marked = await GrainFactory.GetGrain<IPartitionsGrain>(Spec.Pipeline).MarkStaleAsync(firing.Partition!, $"trigger '{Name}', firing {firing.Number}");
                _tries = 0;
                await SettleAsync(firing with { Outcome = FiringOutcome.Marked, Reason = marked == 0 ? "nothing of it was made so far" : firing.Reason }, State.Active);
                return true;
            }

            var request = new RunRequest
            {
                Parameters = firing.Parameters,
                Partition = firing.Partition,
                Trigger = Name,
                IdempotencyKey = $"trigger:{Name}:{State.Incarnation}:{PipelineVersion.Digest(firing.Id)[..32]}",
            };
            var run = await GrainFactory.GetGrain<IPipelineGrain>(Spec.Pipeline).StartRunAsync(request);
            _tries = 0;
            await SettleAsync(firing with { Outcome = FiringOutcome.Started, Run = run }, run);
            return true;
        }
        catch (Exception e) when (e is not InconsistentStateException && (Passes(e) || ++_tries < MaxTries) && !Refuses(e))
        {
            LogNotStarted(Name, firing.Id, e);
            return false;
        }
        catch (Exception e) when (e is not InconsistentStateException)
        {
            _tries = 0;
            await SettleAsync(firing with { Outcome = FiringOutcome.Failed, Error = Short(GristmillException.Describe(e)) }, State.Active);
            return true;
        }
    }

    /// <summary>Errors that a person must mend: the pipeline is gone, a parameter does not fit.</summary>
    private static bool Refuses(Exception e) => e is GristmillException && !Passes(e);

    private static bool Passes(Exception e) => e is OrleansException or TimeoutException
        or GristmillException { Code: ErrorCodes.StorageBusy or ErrorCodes.StorageUnavailable or ErrorCodes.StoreFull or ErrorCodes.Timeout or ErrorCodes.Overloaded };

    private async Task SettleAsync(TriggerFiring firing, string? active)
    {
        firing = firing with { Parameters = Kept(firing.Parameters) };
        await SaveAsync(State with
        {
            Recent = [.. State.Recent.Select(other => other.Number == firing.Number ? firing : other)],
            Active = Spec.Concurrency == ConcurrencyPolicy.Allow ? null : active,
        });
        LogFired(Name, firing.Id, firing.Outcome, firing.Run, firing.Reason ?? firing.Error?.Code);
    }

    /// <summary>Large parameters are the run's to keep.</summary>
    private static ImmutableDictionary<string, string> Kept(ImmutableDictionary<string, string> parameters) =>
        parameters.Sum(static p => p.Key.Length + p.Value.Length) <= MaxKept ? parameters : ImmutableDictionary<string, string>.Empty;

    private static ErrorInfo Short(ErrorInfo error) => new(
        error.Code, error.Message.Length <= MaxKept ? error.Message : error.Message[..MaxKept] + " ...", error.Hint is { Length: > MaxKept } hint ? hint[..MaxKept] : error.Hint);
}
