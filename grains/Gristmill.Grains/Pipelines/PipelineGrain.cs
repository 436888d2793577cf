using System.Collections.Immutable;
using Gristmill.Grains.Partitions;
using Gristmill.Grains.Runs;
using Gristmill.Grains.State;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using Orleans.Storage;

namespace Gristmill.Grains.Pipelines;

/// <inheritdoc cref="IPipelineGrain"/>
/// <remarks>Reentrant: many runs start at once and share the write that lists them.</remarks>
[GrainType("gristmill.pipeline"), Reentrant]
internal sealed partial class PipelineGrain : Grain, IPipelineGrain, IPipelineControlGrain
{
    private const int MaxKeyLength = 256;
    private const long MaxSpecBytes = 256 << 20;

    /// <summary>Runs in one answer: a summary takes some hundred bytes.</summary>
    private const int MaxListed = 200;

    private readonly Durable<PipelineState> _state;
    private readonly RunList _runs;
    private readonly SpecCache _specs;
    private readonly IStageExecutor _executor;
    private readonly IStageFingerprints _fingerprints;
    private readonly IOperationCheck _operations;
    private readonly RunIndex _index;
    private readonly TimeProvider _time;
    private readonly ILogger<PipelineGrain> _logger;
    private readonly TriggerOptions _triggers;
    private readonly TurnLock _registering = new();
    private readonly Dictionary<string, (string Digest, Task<string> Run)> _starting = new(StringComparer.Ordinal);

    /// <summary>The newest spec, if it fits in a message.</summary>
    private PipelineSpec? _spec;

    public PipelineGrain(
        [PersistentState("pipeline", StorageNames.Gristmill)] IPersistentState<PipelineState> state,
        IPersistentStateFactory stateFactory,
        IGrainContext context,
        SpecCache specs,
        IStageExecutor executor,
        IStageFingerprints fingerprints,
        IOperationCheck operations,
        RunIndex index,
        TimeProvider time,
        TriggerOptions triggers,
        ILogger<PipelineGrain> logger)
    {
        _index = index;
        _triggers = triggers;
        _state = new Durable<PipelineState>(state);
        _specs = specs;
        _executor = executor;
        _fingerprints = fingerprints;
        _operations = operations;
        _time = time;
        _logger = logger;
        _runs = new RunList(stateFactory, context);
    }

    private string Name => this.GetPrimaryKeyString();

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _runs.Load();
        if (_state.Value.Source is { IsSmall: true } source)
        {
            try
            {
                _spec = await _specs.GetAsync(source);
            }
            catch (GristmillException e)
            {
                // Registering it again mends it.
                LogSpecNotRead(Name, e);
            }
        }

        // Runs that were under way tell their status again; the list does not wait for them.
        _ = RefreshAsync();
    }

    public async Task<PipelineView> RegisterAsync(PipelineSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        // Not in a turn: a large spec takes tens of milliseconds.
        var json = await Task.Run(() =>
        {
            PipelineSpecValidator.ThrowIfInvalid(spec, _operations);
            return GristmillJson.CanonicalBytes(spec);
        });
        RequireName(spec);
        return await RegisterAsync(spec, BlobRef.Of(json), () => GrainFactory.PutBlobAsync(json));
    }

    public async Task<PipelineView> PublishAsync(BlobRef spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        if (spec.Bytes > MaxSpecBytes)
        {
            throw new GristmillException(
                ErrorCodes.Invalid, $"The spec has {spec.Bytes} bytes; at most {MaxSpecBytes} are possible.", "Split the pipeline.");
        }

        var read = await _specs.GetAsync(spec);
        await Task.Run(() => PipelineSpecValidator.ThrowIfInvalid(read, _operations));
        RequireName(read);
        return await RegisterAsync(read, spec, () => Task.CompletedTask);
    }

    public Task<PipelineView?> GetAsync() => Task.FromResult(View());

    public async Task<IReadOnlyList<ParameterSpec>?> GetParametersAsync()
    {
        if (_state.Value.Versions == 0)
        {
            return null;
        }

        var (spec, _) = await NewestAsync();
        return spec.Parameters.IsDefault ? [] : spec.Parameters;
    }

    public async Task<PartitionFacts?> GetPartitionsAsync()
    {
        if (_state.Value.Versions == 0)
        {
            return null;
        }

        var (spec, newest) = await NewestAsync();
        return new PartitionFacts
        {
            Spec = spec.Partitions,
            Version = newest.Version,
            CodeVersion = newest.CodeVersion,
            Changes = newest.Codes.Where(static known => known.Change is not null).ToImmutableDictionary(PartitionCode.VersionOf, static known => known.Change!),
            Running = _runs.List(RunList.Capacity, before: null).Where(static run => run is { Ended: null, Partition: not null })
                .ToImmutableDictionary(static run => run.Id, static run => run.Partition!),
        };
    }

    public Task<string> StartRunAsync(RunRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.IdempotencyKey is not { } key)
        {
            return StartAsync(request, null, existing: null);
        }

        if (key.Length is 0 or > MaxKeyLength)
        {
            throw new GristmillException(
                ErrorCodes.Invalid, $"An idempotency key has 1 to {MaxKeyLength} characters, not {key.Length}.", "Use a shorter key, such as a GUID.");
        }

        // Of a request that comes again everything must be the same, as otherwise one of the two callers gets what it did not ask for.
        var digest = PipelineVersion.Digest(GristmillJson.Canonical(request with { IdempotencyKey = null }));
        return _starting.TryGetValue(key, out var underWay)
            ? underWay.Digest == digest ? underWay.Run : throw KeyReused(key)
            : StartOnceAsync(request, key, digest);
    }

    public Task<IReadOnlyList<RunSummary>> ListRunsAsync(int limit, string? before)
    {
        if (limit is < 1 or > RunList.Capacity)
        {
            throw new GristmillException(
                ErrorCodes.Invalid, $"The limit is {limit}; 1 to {RunList.Capacity} are possible.", "Ask for fewer and page with the last id.");
        }

        return Task.FromResult<IReadOnlyList<RunSummary>>(_runs.List(Math.Min(limit, MaxListed), before));
    }

    public Task OnRunChangedAsync(RunSummary summary)
    {
        ArgumentNullException.ThrowIfNull(summary);
        return _runs.UpdateAsync(summary, durable: summary.Ended is not null);
    }

    public async Task OnRunRemovedAsync(string run)
    {
        try
        {
            await _runs.RemoveAsync(run);
        }
        catch (InconsistentStateException)
        {
            DeactivateOnIdle();
            throw;
        }
    }

    private void RequireName(PipelineSpec spec)
    {
        if (spec.Name != Name)
        {
            throw new GristmillException(
                ErrorCodes.Invalid, $"The spec is of pipeline '{spec.Name}' but was sent to '{Name}'.", "Send it to the pipeline of its name.");
        }
    }

    private async Task<PipelineView> RegisterAsync(PipelineSpec spec, BlobRef source, Func<Task> store)
    {
        // Who registers a pipeline runs it next, as a rule.
        _executor.Prepare();
        var version = PipelineVersion.Of(source);
        await _registering.EnterAsync();
        try
        {
            var declared = _triggers.Declared ? spec.Triggers ?? [] : [];
            await DeclaredTriggers.CheckAsync(GrainFactory, spec, declared);

            // The spec before the version that refers to it; again, as that costs no write and mends what was lost.
            await store();
            var (before, grains) = (_state.Value, GrainFactory);
            var isNew = before.Version != version;
            // Off the grain's scheduler: it reads assemblies.
            var (code, known) = !isNew && before.CodeVersion is { } same ? (same, before.Codes)
                : await Task.Run(() => PartitionCode.OfAsync(grains, _fingerprints, spec, before.Codes));
            if (isNew || before.Source is null || before.CodeVersion != code)
            {
                var next = new PipelineState
                {
                    Source = source,
                    Version = version,
                    Updated = isNew ? _time.GetUtcNow() : before.Updated,
                    Versions = before.Versions + (isNew ? 1 : 0),
                    CodeVersion = code,
                    Codes = known,
                    Declared = [.. before.Declared.Union(declared.Select(static trigger => trigger.Name), StringComparer.Ordinal)],
                };
                await CatalogNames.ListAndStoreAsync(
                    GrainFactory, CatalogNames.Pipelines, Name, isNew: before.Versions == 0, () => _state.SetAsync(next));
                LogRegistered(Name, version, spec.Stages.Length);
            }

            _specs.Add(source, spec);
            _spec = source.IsSmall ? spec : null;

            // Also when nothing changed: an earlier call may have broken off before its triggers were there.
            await DeclaredTriggers.ApplyAsync(GrainFactory, Name, declared, _state.Value.Declared);
            if (_state.Value.Declared.Length != declared.Length)
            {
                await _state.SetAsync(_state.Value with { Declared = [.. declared.Select(static trigger => trigger.Name)] });
            }
        }
        finally
        {
            _registering.Leave();
        }

        return View()!;
    }

    /// <summary>The newest spec with the state that it is of, whose source is known.</summary>
    private async Task<(PipelineSpec Spec, PipelineState Newest)> NewestAsync()
    {
        if (_state.Value is { Source: null, Spec: { } old })
        {
            // Stored before specs were kept apart.
            await RegisterAsync(old);
        }

        var newest = _state.Value;
        var source = newest.Source ?? throw new GristmillException(
            ErrorCodes.NotFound, $"There is no pipeline '{Name}'.", "Register it first, or check the name.").With("pipeline", Name);
        return (await _specs.GetAsync(source), newest);
    }

    private GristmillException KeyReused(string key) => new GristmillException(
        ErrorCodes.IdempotencyKeyReused, $"The idempotency key '{key}' was used for another run of '{Name}', with other parameters.", "Use a new key for a new request.")
        .With("key", key);

    private async Task<string> StartOnceAsync(RunRequest request, string key, string digest)
    {
        var existing = _runs.FindByKey(key);
        if (existing?.RequestDigest is { } before && before != digest)
        {
            throw KeyReused(key);
        }

        var done = new TaskCompletionSource<string>();
        _starting.Add(key, (digest, done.Task));
        try
        {
            var id = await StartAsync(request, digest, existing?.Summary.Id);
            done.SetResult(id);
            return id;
        }
        catch (Exception e)
        {
            done.SetException(e);
            _ = done.Task.Exception;
            throw;
        }
        finally
        {
            _starting.Remove(key);
        }
    }

    private async Task<string> StartAsync(RunRequest request, string? digest, string? existing)
    {
        var (spec, newest) = await NewestAsync();
        var (source, codeVersion) = (newest.Source!, newest.CodeVersion);
        if (existing is not null && await GrainFactory.GetGrain<IRunControlGrain>(existing).GetSummaryAsync() is not null)
        {
            return existing;
        }

        if (request.RerunOf is { } earlier)
        {
            var definition = await GrainFactory.GetGrain<IRunControlGrain>(earlier).GetDefinitionAsync();
            source = definition?.Source is { } known && definition.Pipeline == Name ? known : throw new GristmillException(
                ErrorCodes.NotFound, $"There is no run '{earlier}' of pipeline '{Name}'.", "'mill runs' lists those there are.").With("run", earlier);
            codeVersion = definition.CodeVersion;
            spec = await _specs.GetAsync(source);
            // The partition as well: a rerun is of the same data.
            var recorded = PartitionRuns.Given(spec, definition.Request.Partition, definition.Parameters, _time);
            request = request with { Parameters = recorded.SetItems(request.Parameters), Partition = request.Partition ?? definition.Request.Partition };
        }

        var (partition, given) = PartitionRuns.Resolve(spec, request, _time);
        var parameters = ParameterValues.Resolve(spec, given);
        foreach (var (name, value) in request.Tags ?? [])
        {
            TrackRules.Require(name, value, "tag");
        }

        var id = existing ?? RunIds.Next(_time);
        try
        {
            if (existing is null)
            {
                var summary = new RunSummary { Id = id, Pipeline = Name, Status = RunStatus.Pending, Created = _time.GetUtcNow(), Partition = partition, Trigger = request.Trigger };
                await _runs.AddAsync(new RunEntry { Summary = summary, IdempotencyKey = request.IdempotencyKey, RequestDigest = digest });
            }

            await _index.TagAsync(id, request.Tags);
            await GrainFactory.GetGrain<IRunGrain>(id).StartAsync(new RunStart
            {
                Pipeline = Name,
                Version = PipelineVersion.Of(source),
                Spec = source,
                CodeVersion = codeVersion,
                Parameters = parameters,
                Request = request with { Parameters = request.Parameters.Clear(), IdempotencyKey = null, Partition = partition },
            });
            return id;
        }
        catch (GristmillException e)
        {
            LogNotStarted(id, e.Code, e);
            await ForgetAsync(id);
            throw;
        }
        catch (InconsistentStateException)
        {
            // Another activation of this pipeline wrote in the meantime: this one's memory is out of date.
            DeactivateOnIdle();
            throw;
        }
    }

    private async Task ForgetAsync(string id)
    {
        try
        {
            await _runs.RemoveAsync(id);
        }
        catch (GristmillException e)
        {
            // What kept the run from starting (a full disk) also keeps it in the list; a refresh takes it out.
            LogNotRefreshed(id, e);
        }
    }

    private async Task RefreshAsync()
    {
        foreach (var listed in _runs.List(RunList.Capacity, before: null).Where(static run => run.Ended is null))
        {
            try
            {
                var summary = await GrainFactory.GetGrain<IRunControlGrain>(listed.Id).GetSummaryAsync();
                if (summary is not null)
                {
                    await OnRunChangedAsync(summary);
                }
                else if (_time.GetUtcNow() - listed.Created > TimeSpan.FromMinutes(1))
                {
                    // Listed, but the silo died before the run itself was stored: its starter never got an id.
                    await _runs.RemoveAsync(listed.Id);
                }
            }
            catch (Exception e)
            {
                LogNotRefreshed(listed.Id, e);
            }
        }
    }

    private PipelineView? View() => _state.Value.Versions > 0
        ? new PipelineView
        {
            Name = Name,
            Version = _state.Value.Version,
            Spec = _spec ?? _state.Value.Spec,
            Source = _state.Value.Source,
            Updated = _state.Value.Updated,
            Versions = _state.Value.Versions,
        }
        : null;

    [LoggerMessage(Level = LogLevel.Information, Message = "Pipeline {Pipeline} has version {Version} with {Stages} stages")]
    private partial void LogRegistered(string pipeline, string version, int stages);

    [LoggerMessage(Level = LogLevel.Error, Message = "The spec of pipeline {Pipeline} could not be read")]
    private partial void LogSpecNotRead(string pipeline, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Run {Run} did not start: {Code}")]
    private partial void LogNotStarted(string run, string code, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The status of run {Run} could not be refreshed")]
    private partial void LogNotRefreshed(string run, Exception exception);
}
