using System.Globalization;
using System.Text.Json;
using Gristmill.Grains.State;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Streams;

namespace Gristmill.Grains.Triggers;

// Where events come from: files, objects, webhooks, runs, streams.
internal sealed partial class TriggerGrain
{
    private const int FilesAtOnce = 20;
    private const int MaxIdLength = 256;
    private const int MaxEventBytes = 32 << 10;

    private FolderWatch? _folder;

    /// <summary>When the object is looked at next; null: at once.</summary>
    private DateTimeOffset? _nextLook;

    /// <summary>Whether another firing may wait.</summary>
    private bool HasRoom => State.Recent.Count(static firing => firing.Outcome == FiringOutcome.Waiting) < WaitingLimit;

    public async Task<TriggerFiring> DeliverAsync(WebhookDelivery delivery)
    {
        ArgumentNullException.ThrowIfNull(delivery);
        Require();
        if (Spec.Webhook is not { } webhook)
        {
            throw new GristmillException(ErrorCodes.NotFound, $"There is no webhook '{Name}'.", "The trigger has another source.");
        }

        var id = $"hook:{delivery.Id}";
        if (await FindAsync(id) is { } known)
        {
            throw new GristmillException(ErrorCodes.WebhookReplayed, $"The message '{delivery.Id}' was taken in before, as firing {known.Number}.", "A new message needs a new id.")
                .With("firing", known.Number.ToString(CultureInfo.InvariantCulture));
        }

        if (State.Paused)
        {
            throw new GristmillException(ErrorCodes.TriggerPaused, $"Trigger '{Name}' is paused.", "Send the message again when it is resumed.");
        }

        await RequireRoomAsync(webhook);
        var now = time.GetUtcNow();
        var values = Values(delivery.Timestamp).SetItems(delivery.Values).SetItem(TriggerTemplate.Id, JsonSerializer.Serialize(delivery.Id, GristmillJson.Options));
        await GuardAsync();
        await AddAsync([New(id, delivery.Timestamp, now, values)], static state => state);
        await PumpAsync();
        await ArmAsync();
        return (await FindAsync(id))!;
    }

    public async Task<bool> OnRunEndedAsync(RunEnded run)
    {
        ArgumentNullException.ThrowIfNull(run);
        if (!State.Exists)
        {
            return false;
        }

        await FireRunAsync(run);
        await PumpAsync();
        await ArmAsync();
        return true;
    }

    private async Task FireRunAsync(RunEnded run)
    {
        if (State.Paused || (Spec.After?.Pipeline ?? Spec.Metric?.Pipeline) != run.Pipeline)
        {
            return;
        }

        var id = $"run:{run.Run}";
        var values = Values(run.Ended)
            .SetItem(TriggerTemplate.Run, JsonSerializer.Serialize(run.Run, GristmillJson.Options))
            .SetItem("run.pipeline", JsonSerializer.Serialize(run.Pipeline, GristmillJson.Options))
            .SetItem("run.status", JsonSerializer.Serialize(run.Status, GristmillJson.Options));
        if (Spec.After is { } after)
        {
            var wanted = after.On == RunOutcomes.Any || (after.On == RunOutcomes.Succeeded ? RunStatus.Succeeded : RunStatus.Failed) == run.Status;
            if (wanted && await FindAsync(id) is null)
            {
                await GuardAsync();
                await AddAsync([New(id, run.Ended, time.GetUtcNow(), values)], static state => state);
            }

            return;
        }

        var metric = Spec.Metric!;
        var stage = await GrainFactory.GetGrain<IStageGrain>($"{run.Run}/{metric.Stage}").GetAsync();
        var value = stage?.Outputs.Values.Select(output => output.Metrics?.TryGetValue(metric.Metric, out var number) == true ? number : (double?)null).FirstOrDefault(static n => n is not null);
        if (value is not { } measured || double.IsNaN(measured) || await FindAsync(id) is not null)
        {
            return;
        }

        var holds = metric.Operator switch
        {
            ">" => measured > metric.Value,
            ">=" => measured >= metric.Value,
            "<" => measured < metric.Value,
            _ => measured <= metric.Value,
        };
        if (holds && !State.MetricHeld)
        {
            await GuardAsync();
            values = values.SetItem(TriggerTemplate.Metric, JsonSerializer.Serialize(measured, GristmillJson.Options));
            await AddAsync([New(id, run.Ended, time.GetUtcNow(), values)], static state => state with { MetricHeld = true });
        }
        else if (holds != State.MetricHeld)
        {
            await SaveAsync(State with { MetricHeld = holds });
        }
    }

    /// <summary>
    /// What refuses a replay are the ids that are kept: a request is refused when the oldest of them is so young that one
    /// which is forgotten could come again within its time window.
    /// </summary>
    private async Task RequireRoomAsync(WebhookSource webhook)
    {
        const int kept = TriggerHistory.Capacity - 1;
        if (State.Firings < kept)
        {
            return;
        }

        var oldest = (await History.ListAsync(State.Firings - kept + 2, 1)).FirstOrDefault();
        if (oldest is not null && time.GetUtcNow() - oldest.Fired < 2 * webhook.Tolerance)
        {
            throw new GristmillException(ErrorCodes.WebhookTooMany, $"Trigger '{Name}' has taken in {kept} requests within {2 * webhook.Tolerance}.",
                "Send the message again later, send fewer, or make the tolerance smaller.");
        }
    }

    private async Task FireFilesAsync()
    {
        if (Spec.File is not { } file || _folder is not { } folder)
        {
            return;
        }

        var glob = FileGlob.Parse(file.Path);
        IReadOnlyList<ArrivedFile> present;
        try
        {
            // A disk may be slow: not on the grain's turn.
            present = await Task.Run(() => FolderWatch.Look(glob));
            _problem = null;
        }
        catch (GristmillException e)
        {
            Tell(e.Error);
            return;
        }

        // Files that a full queue would skip stay in the folder until there is room.
        var waiting = State.Recent.Count(static firing => firing.Outcome == FiringOutcome.Waiting);
        var room = Spec.Concurrency == ConcurrencyPolicy.Queue ? Math.Max(0, Spec.QueueLimit - waiting) : FilesAtOnce;
        var arrived = folder.Arrived(present, Math.Min(room, FilesAtOnce));
        if (arrived.Count == 0)
        {
            return;
        }

        var now = time.GetUtcNow();
        var firings = new List<TriggerFiring>();
        foreach (var one in arrived)
        {
            // One that was stored just before the silo died is a firing already, and not yet in the ledger.
            if (!State.Recent.Any(firing => firing.Id == folder.IdOf(one)))
            {
                firings.Add(New(folder.IdOf(one), one.Modified, now, Values(one.Modified)
                    .SetItem(TriggerTemplate.File, JsonSerializer.Serialize(one.Path, GristmillJson.Options))
                    .SetItem("file.name", JsonSerializer.Serialize(Path.GetFileName(one.Path), GristmillJson.Options))
                    .SetItem("file.stem", JsonSerializer.Serialize(Path.GetFileName(one.Path).Split('.')[0], GristmillJson.Options))
                    .SetItem("file.size", JsonSerializer.Serialize(one.Bytes, GristmillJson.Options))
                    .SetItem("file.modified", JsonSerializer.Serialize(one.Modified, GristmillJson.Options))));
            }
        }

        await AddAsync(firings, static state => state);
        folder.Take(arrived, present);
        await StoreLedgerAsync(folder.Ledger);
    }

    private async Task FireObjectAsync()
    {
        // A version that a full queue would skip stays at its server until there is room; by then a newer one may be in its place.
        var now = time.GetUtcNow();
        if (Spec.Object is not { } source || !HasRoom || NextObjectLook(source, now) > now)
        {
            return;
        }

        // Sooner than the next look should what is seen not reach the store.
        _nextLook = now + (Again < source.Poll ? Again : source.Poll);
        SeenObject? seen;
        try
        {
            seen = await LookAsync(source);
            _problem = null;
        }
        catch (GristmillException e)
        {
            Tell(e.Error);
            _nextLook = now + source.Poll;
            return;
        }

        if (seen is null && State.Object is not null)
        {
            await SaveAsync(State with { Object = null });
        }
        else if (seen is not null && seen.Version != State.Object)
        {
            // A version that comes again is another event, and its run another run: so must its firing's id be, also where the first is forgotten.
            var id = seen.FiringId();
            if (State.Firings > TriggerHistory.Capacity || await FindAsync(id) is not null)
            {
                id = seen.FiringId(State.Firings + 1);
            }

            var at = seen.Modified ?? now;
            var values = Values(at)
                .SetItem(TriggerTemplate.ObjectUrl, JsonSerializer.Serialize(seen.Url, GristmillJson.Options))
                .SetItem(TriggerTemplate.ObjectETag, JsonSerializer.Serialize(seen.ETag, GristmillJson.Options))
                .SetItem("object.size", JsonSerializer.Serialize(seen.Bytes, GristmillJson.Options))
                .SetItem("object.modified", JsonSerializer.Serialize(seen.Modified, GristmillJson.Options));
            await AddAsync([New(id, at, now, values)], state => state with { Object = seen.Version });
        }

        _nextLook = now + source.Poll;
    }

    /// <summary>A clock that went back puts a look off by no more than lies between two.</summary>
    private DateTimeOffset NextObjectLook(ObjectArrival source, DateTimeOffset now) => _nextLook is { } next && next - now <= source.Poll ? next : now;

    private async Task<SeenObject?> LookAsync(ObjectArrival source) =>
        await objects.LookAsync(source, source.Secret is { } name ? await SecretAsync(name) : null, CancellationToken.None);

    private async Task<string> SecretAsync(string name) =>
        await ServiceProvider.GetRequiredService<ISecretStore>().FindAsync(name, CancellationToken.None)
        ?? throw new GristmillException(ErrorCodes.SecretMissing, $"The host has no secret '{name}'.", $"Set {EnvironmentSecretStore.Variable(name)} in its environment, or write the file secrets/{name} in its data folder.")
            .With("secret", name);

    /// <summary>Shows what keeps a source from being seen, and logs it once.</summary>
    private void Tell(ErrorInfo problem)
    {
        if ((_problem?.Code, _problem?.Message) != (problem.Code, problem.Message))
        {
            LogProblem(Name, problem.Message);
        }

        _problem = problem;
    }

    /// <summary>Begins a ledger with what is in the folder already, unless that is to fire, too.</summary>
    private async Task StartLedgerAsync(FileArrival file)
    {
        var folder = new FolderWatch(file, new FileLedger());
        if (!file.Existing)
        {
            var present = await Task.Run(() => FolderWatch.Look(FileGlob.Parse(file.Path)));
            folder.Take(present, present);
        }

        await StoreLedgerAsync(folder.Ledger);
    }

    private async Task StoreLedgerAsync(FileLedger ledger)
    {
        files.State = ledger;
        try
        {
            await StoreErrors.WriteAsync(files);
        }
        catch
        {
            // What is in memory is ahead of the store: the next activation begins from the store.
            DeactivateOnIdle();
            throw;
        }
    }

    /// <summary>Throws if the source cannot be seen or heard.</summary>
    /// <returns>The object that is there now, if it is one.</returns>
    private async Task<SeenObject?> CheckSourceAsync(TriggerSpec spec)
    {
        if (spec.Webhook is { } webhook)
        {
            _ = await SecretAsync(webhook.Secret);
        }

        if (spec.File is { } file)
        {
            _ = await Task.Run(() => FolderWatch.Look(FileGlob.Parse(file.Path)));
        }

        if (spec.Stream is { } stream && ServiceProvider.GetKeyedService<IStreamProvider>(stream.Provider) is null)
        {
            throw new GristmillException(ErrorCodes.StreamProvider, $"The host has no stream provider '{stream.Provider}'.", "Add it to the silo, or check the name.")
                .With("provider", stream.Provider);
        }

        return spec.Object is { } item ? await LookAsync(item) : null;
    }

    /// <summary>Has the sources call this trigger.</summary>
    private async Task SubscribeAsync(TriggerSpec spec)
    {
        foreach (var (pipeline, starts) in Heard(spec))
        {
            await GrainFactory.GetGrain<IRunSubscribersGrain>(pipeline).SubscribeAsync(Name, starts);
        }

        if (spec.Stream is { } source && await HandlesAsync(source) is { Count: 0 })
        {
            await Stream(source).SubscribeAsync(OnEventAsync);
        }
    }

    private async Task UnsubscribeAsync(TriggerSpec? before, TriggerSpec? now)
    {
        if (before is null)
        {
            return;
        }

        var still = now is null ? [] : Heard(now);
        foreach (var pipeline in Heard(before).Keys.Where(pipeline => !still.ContainsKey(pipeline)))
        {
            await GrainFactory.GetGrain<IRunSubscribersGrain>(pipeline).UnsubscribeAsync(Name);
        }

        if (before.Stream is { } source && now?.Stream != source && ServiceProvider.GetKeyedService<IStreamProvider>(source.Provider) is not null)
        {
            foreach (var handle in await HandlesAsync(source))
            {
                await handle.UnsubscribeAsync();
            }
        }
    }

    /// <summary>The pipelines whose runs a trigger hears of, each with the pipeline that an end of a run starts.</summary>
    private static Dictionary<string, string> Heard(TriggerSpec spec)
    {
        var heard = new Dictionary<string, string>(StringComparer.Ordinal);
        if (spec.Concurrency == ConcurrencyPolicy.Queue)
        {
            heard[spec.Pipeline] = "";
        }

        if (spec.Metric is { } metric)
        {
            heard[metric.Pipeline] = "";
        }

        if (spec.After is { } after)
        {
            heard[after.Pipeline] = spec.Pipeline;
        }

        return heard;
    }

    /// <summary>Takes the stream's events up again in this activation.</summary>
    private async Task ListenAsync()
    {
        if (Spec.Stream is not { } source)
        {
            return;
        }

        if (ServiceProvider.GetKeyedService<IStreamProvider>(source.Provider) is null)
        {
            _problem = new ErrorInfo(ErrorCodes.StreamProvider, $"The host has no stream provider '{source.Provider}'.", "Add it to every silo.");
            LogProblem(Name, _problem.Message);
            return;
        }

        foreach (var handle in await HandlesAsync(source))
        {
            await handle.ResumeAsync(OnEventAsync);
        }
    }

    private async Task OnEventAsync(TriggerEvent item, StreamSequenceToken? token)
    {
        if (!State.Exists || State.Paused || item?.Id is null)
        {
            return;
        }

        var now = time.GetUtcNow();
        var id = item.Id.Length <= MaxIdLength ? $"event:{item.Id}" : $"event:{PipelineVersion.Digest(item.Id)}";
        if (await FindAsync(id) is not null)
        {
            return;
        }

        await GuardAsync();
        await AddAsync([Event(id, item, now)], static state => state);
        await PumpAsync();
        await ArmAsync();
    }

    private TriggerFiring Event(string id, TriggerEvent item, DateTimeOffset now)
    {
        try
        {
            if (item.Body is { Length: > MaxEventBytes } || item.Id.Length is 0 or > MaxIdLength)
            {
                throw new GristmillException(ErrorCodes.Invalid, $"The event has an id of {item.Id.Length} and a body of {item.Body?.Length} characters; {MaxIdLength} and {MaxEventBytes} are possible.");
            }

            using var body = JsonDocument.Parse(item.Body ?? "null");
            var values = Values(now).SetItems(TriggerTemplate.FromBody(TriggerTemplate.Used(Spec), body.RootElement))
                .SetItem(TriggerTemplate.Id, JsonSerializer.Serialize(item.Id, GristmillJson.Options));
            return New(id, now, now, values);
        }
        catch (Exception e) when (e is JsonException or GristmillException)
        {
            var error = e is GristmillException known ? known.Error : new ErrorInfo(ErrorCodes.Invalid, $"The event's body is not JSON: {e.Message}");
            return new TriggerFiring { Number = 0, Id = id, Scheduled = now, Fired = now, Outcome = FiringOutcome.Failed, Error = Short(error) };
        }
    }

    private IAsyncStream<TriggerEvent> Stream(StreamSource source) =>
        ServiceProvider.GetRequiredKeyedService<IStreamProvider>(source.Provider).GetStream<TriggerEvent>(StreamId.Create(source.Namespace, source.Key));

    /// <summary>This trigger's own subscriptions: none or one.</summary>
    private async Task<IList<StreamSubscriptionHandle<TriggerEvent>>> HandlesAsync(StreamSource source) => await Stream(source).GetAllSubscriptionHandles();
}
