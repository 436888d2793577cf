using System.Globalization;
using System.Security.Cryptography;
using Gristmill.Grains.Clocks;
using Gristmill.Grains.State;
using Microsoft.Extensions.Logging;
using Orleans.Storage;

namespace Gristmill.Grains.Triggers;

/// <inheritdoc cref="ITriggerGrain"/>
/// <remarks>
/// A firing is stored, then a run is started with an idempotency key made of the firing's id, then the run's id is stored:
/// wherever that breaks off, the reminder has it go on, and the key makes the same run of it. What was fired is told from
/// what was not by the schedule's watermark and the firings' ids, both stored in the same write as the firing.
/// </remarks>
[GrainType("gristmill.trigger")]
internal sealed partial class TriggerGrain(
    [PersistentState("trigger", StorageNames.Gristmill)] IPersistentState<TriggerState> state,
    [PersistentState("files", StorageNames.Gristmill)] IPersistentState<FileLedger> files,
    ObjectWatch objects,
    TimeProvider time,
    ILogger<TriggerGrain> logger) : Grain, ITriggerGrain, ITriggerControlGrain, IRemindable
{
    /// <summary>The reminder of what comes next; also how a silo finds what became due while nobody was there.</summary>
    public const string ReminderName = "gristmill.trigger";

    private const int MaxPage = 200;
    private const int MaxKeyLength = 200;

    private readonly ILogger<TriggerGrain> _logger = logger;
    private readonly Durable<TriggerState> _state = new(state);
    private TriggerSchedule? _schedule;
    private ErrorInfo? _problem;

    private string Name => this.GetPrimaryKeyString();

    private TriggerState State => _state.Value;

    private TriggerSpec Spec => State.Spec!;

    private TriggerHistory History => new(GrainFactory, Name);

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        if (State.Exists)
        {
            await OpenAsync();
        }
    }

    public Task<TriggerView> PutAsync(TriggerSpec spec, bool onlyNew) => PutAsync(spec, onlyNew, declared: false);

    public Task<TriggerView?> GetAsync() => Task.FromResult(State.Exists ? View() : null);

    public Task RemoveAsync() => State.Exists && State.Declared
        ? throw new GristmillException(ErrorCodes.Conflict, $"Trigger '{Name}' is declared by the code of pipeline '{Spec.Pipeline}'.",
            "Remove it there and register the pipeline again, or pause it.").With("trigger", Name)
        : RemoveAnyAsync();

    public async Task<TriggerView> PauseAsync()
    {
        Require();
        if (!State.Paused)
        {
            await SaveAsync(State with { Paused = true, Updated = time.GetUtcNow() });
            await ArmAsync();
        }

        return View();
    }

    public async Task<TriggerView> ResumeAsync()
    {
        Require();
        if (State.Paused)
        {
            await GuardAsync();
            var now = time.GetUtcNow();
            await SaveAsync(State with { Paused = false, Updated = now, Watermark = time.GetUtcNow(State.Watermark) });
            await ArmAsync();
        }

        return View();
    }

    public async Task<TriggerFiring> FireAsync(TriggerFireRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        Require();
        if (request.IdempotencyKey is { Length: 0 or > MaxKeyLength } key)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"An idempotency key has 1 to {MaxKeyLength} characters, not {key.Length}.", "Use a shorter key, such as a GUID.");
        }

        foreach (var json in request.Parameters.Values)
        {
            RequireLiteral(json);
        }

        var id = "manual:" + (request.IdempotencyKey ?? Guid.NewGuid().ToString("n"));
        if (await FindAsync(id) is { } known)
        {
            return known;
        }

        var now = time.GetUtcNow();
        var at = request.Scheduled ?? now;
        await GuardAsync();
        await AddAsync([New(id, at, now, Values(at), request.Parameters)], static state => state);
        await PumpAsync();
        await ArmAsync();
        return (await FindAsync(id))!;
    }

    public async Task<IReadOnlyList<TriggerFiring>> ListFiringsAsync(int limit, long before)
    {
        Require();
        if (limit is < 1 or > MaxPage || before < 0)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"The limit is {limit}, before is {before}; 1 to {MaxPage} firings can be listed.", "Ask for fewer and page with the last number.");
        }

        var below = before == 0 ? long.MaxValue : before;
        var recent = State.Recent.Where(firing => firing.Number < below);
        var older = await History.ListAsync(Math.Min(below, State.Firings + 1), limit);
        // Both hold a firing that is on its way from one to the other.
        return [.. recent.Concat(older).DistinctBy(static firing => firing.Number).OrderByDescending(static firing => firing.Number).Take(limit)];
    }

    public Task WakeAsync() => TickAsync();

    public Task ReceiveReminder(string reminderName, TickStatus status)
    {
        _ticking = true;
        return TickAsync(done: true);
    }

    public Task CheckDeclareAsync(string pipeline)
    {
        RequireDeclarable(pipeline);
        return Task.CompletedTask;
    }

    public async Task DeclareAsync(TriggerSpec spec)
    {
        RequireDeclarable(spec.Pipeline);
        await PutAsync(spec, onlyNew: false, declared: true);
    }

    public Task UndeclareAsync(string pipeline) => State.Exists && State.Declared && Spec.Pipeline == pipeline ? RemoveAnyAsync() : Task.CompletedTask;

    private void RequireDeclarable(string pipeline)
    {
        if (State.Exists && (!State.Declared || Spec.Pipeline != pipeline))
        {
            throw new GristmillException(ErrorCodes.Conflict,
                $"Pipeline '{pipeline}' declares the trigger '{Name}', but there is one of this name {(State.Declared ? $"that pipeline '{Spec.Pipeline}' declares" : "that was added by hand")}.",
                "Give it another name, or remove the other one.").With("trigger", Name);
        }
    }

    private async Task<TriggerView> PutAsync(TriggerSpec spec, bool onlyNew, bool declared)
    {
        ArgumentNullException.ThrowIfNull(spec);
        TriggerChecks.Shape(spec);
        if (spec.Name != Name)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"The spec is of trigger '{spec.Name}' but was sent to '{Name}'.", "Send it to the trigger of its name.");
        }

        if (State.Removed)
        {
            await RemoveAnyAsync();
        }

        var isNew = !State.Exists;
        var same = !isNew && GristmillJson.Canonical(spec) == GristmillJson.Canonical(Spec);
        if (!isNew && !declared && State.Declared && !same)
        {
            throw new GristmillException(ErrorCodes.Conflict, $"Trigger '{Name}' is declared by the code of pipeline '{Spec.Pipeline}'.", "Change it there.").With("trigger", Name);
        }

        if (!isNew && onlyNew && !same)
        {
            throw new GristmillException(ErrorCodes.Conflict, $"There is a trigger '{Name}' already, for pipeline '{Spec.Pipeline}'.", "Choose another name, or replace it.").With("trigger", Name);
        }

        if (same)
        {
            return View();
        }

        await TriggerChecks.PipelinesAsync(GrainFactory, spec);
        var present = await CheckSourceAsync(spec);

        // What would call this trigger comes first: a call for a trigger that is not there does no harm, one that never comes does.
        await GuardAsync();
        await SubscribeAsync(spec);
        await TriggerDirectoryGrain.Of(GrainFactory, Name).AddAsync(Name, spec.Pipeline);
        if (spec.File is { } file && (isNew || Spec.File != file))
        {
            await StartLedgerAsync(file);
        }

        var before = State.Spec;
        var now = time.GetUtcNow();
        await SaveAsync(State with
        {
            Spec = spec,
            Declared = declared,
            Created = isNew ? now : State.Created,
            Updated = now,
            Incarnation = isNew ? RandomNumberGenerator.GetHexString(8, lowercase: true) : State.Incarnation,
            Watermark = time.GetUtcNow(State.Watermark),
            MetricHeld = spec.Metric == before?.Metric && State.MetricHeld,
            Object = spec.Object is not { } item ? null : item.Url == before?.Object?.Url ? State.Object : item.Existing ? null : present?.Version,
        });
        LogStored(Name, spec.Pipeline);
        await UnsubscribeAsync(before, spec);
        await OpenAsync();
        if (spec.Object is { Existing: false } seen)
        {
            // It was looked at just now.
            _nextLook = now + seen.Poll;
        }

        await ArmAsync();
        return View();
    }

    /// <summary>Removes in an order that can be gone through again from the start, should it break off.</summary>
    private async Task RemoveAnyAsync()
    {
        if (State.Spec is not { } spec)
        {
            return;
        }

        if (!State.Removed)
        {
            await SaveAsync(State with { Removed = true });
        }

        await UnsubscribeAsync(spec, null);
        await TriggerDirectoryGrain.Of(GrainFactory, Name).RemoveAsync(Name);
        await History.ClearAsync();
        if (files.RecordExists)
        {
            await files.ClearStateAsync();
        }

        await state.ClearStateAsync();
        _state.Show(new TriggerState());
        await DisarmAsync();
        LogRemoved(Name);
        DeactivateOnIdle();
    }

    /// <summary>Makes ready what the stored spec needs in memory.</summary>
    private async Task OpenAsync()
    {
        (_schedule, _problem, _broken) = (null, null, false);
        try
        {
            _schedule = TriggerSchedule.Of(Spec, State.Created);
        }
        catch (GristmillException e)
        {
            (_problem, _broken) = (e.Error, true);
            LogProblem(Name, e.Message);
        }

        _folder = Spec.File is { } file ? new FolderWatch(file, files.State) : null;
        _nextLook = null;
        _seen = null;
        await ListenAsync();
    }

    private void Require()
    {
        if (!State.Exists)
        {
            throw new GristmillException(ErrorCodes.NotFound, $"There is no trigger '{Name}'.", "'mill trigger list' shows those there are.").With("trigger", Name);
        }
    }

    private static void RequireLiteral(string json)
    {
        try
        {
            using var _ = System.Text.Json.JsonDocument.Parse(json);
        }
        catch (System.Text.Json.JsonException e)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"{json} is not a JSON literal (text needs quotes).", "Give values such as 5, true, \"text\".", e);
        }
    }

    /// <summary>Stores; another activation that wrote in between makes this one go.</summary>
    private async Task SaveAsync(TriggerState next)
    {
        try
        {
            await _state.SetAsync(next);
        }
        catch (InconsistentStateException)
        {
            DeactivateOnIdle();
            throw;
        }
    }

    private TriggerView View() => new()
    {
        Spec = Spec,
        Paused = State.Paused,
        Declared = State.Declared,
        Created = State.Created,
        Updated = State.Updated,
        Next = State.Paused ? null : _schedule?.Next(time.GetUtcNow(State.Watermark)),
        Firings = State.Firings,
        Last = State.Recent.IsEmpty ? null : State.Recent[^1],
        Queued = State.Recent.Count(static firing => firing.Outcome == FiringOutcome.Waiting),
        Problem = _problem,
    };

    private static string Text(DateTimeOffset at) => at.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture);

    [LoggerMessage(Level = LogLevel.Information, Message = "Trigger {Trigger} of pipeline {Pipeline} is stored")]
    private partial void LogStored(string trigger, string pipeline);

    [LoggerMessage(Level = LogLevel.Information, Message = "Trigger {Trigger} is removed")]
    private partial void LogRemoved(string trigger);

    [LoggerMessage(Level = LogLevel.Information, Message = "Trigger {Trigger} fired for {Firing}: {Outcome} {Run} {Reason}")]
    private partial void LogFired(string trigger, string firing, FiringOutcome outcome, string? run, string? reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Trigger {Trigger} could not start a run for {Firing} yet")]
    private partial void LogNotStarted(string trigger, string firing, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Trigger {Trigger} could not do what is due yet")]
    private partial void LogNotTicked(string trigger, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Trigger {Trigger} cannot see its source: {Problem}")]
    private partial void LogProblem(string trigger, string problem);
}
