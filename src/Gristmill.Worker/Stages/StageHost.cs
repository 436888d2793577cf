using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Gristmill.Engines;
using Gristmill.Objects;

namespace Gristmill.Worker;

/// <summary>
/// Runs single attempts in this process: finds the engine, measures, and turns whatever goes wrong into an error with a
/// stable code. Limits and abandoned attempts are the executors' business.
/// </summary>
/// <param name="objects">The host's objects.</param>
/// <param name="content">Model packages and user assemblies.</param>
/// <param name="engines">The engines.</param>
/// <param name="options">Defaults for attempts.</param>
public sealed class StageHost(ObjectStore objects, ContentStore content, EngineCatalog engines, StageHostOptions options)
{
    private static readonly ActivitySource Activities = new("Gristmill.Worker");

    // These finish at once and never fail: they are run where their request is read, many at a time, and not measured in full.
    private static readonly FrozenSet<string> LightOperations = FrozenSet.Create(StringComparer.Ordinal, StageOperations.NoOp);

    // A worker's own memory after an attempt from which freed memory is looked for: a trim of a heap of this size takes some ms,
    // and a worker that only ran small stages is below it.
    private const long TrimAbove = 128L << 20;

    private static readonly TimeSpan CancelledFlush = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan FailedFlush = TimeSpan.FromSeconds(10);

    private readonly ModelLoader _models = new(content, engines.Models);

    /// <summary>Model packages, user assemblies and artifacts.</summary>
    internal ContentStore Content => content;

    /// <summary>Whether an operation is so small that many may share a worker.</summary>
    public static bool IsLight(string operation) => LightOperations.Contains(operation);

    /// <summary>Runs one attempt to its end.</summary>
    /// <param name="request">The attempt.</param>
    /// <param name="progress">Receives progress; may be null.</param>
    /// <param name="cancellationToken">Asks the attempt to end.</param>
    /// <param name="share">Its share of the processors, if that changes while it runs; null: as the request says.</param>
    /// <param name="tracker">Takes what it logs; null: nobody. All of it is durable before an attempt has succeeded.</param>
    /// <param name="heartbeat">Called when the attempt says that it lives; may be null.</param>
    /// <exception cref="GristmillException">It failed.</exception>
    /// <exception cref="OperationCanceledException">It ended because it was asked to.</exception>
    public async Task<StageResult> ExecuteAsync(StageRequest request, IProgress<StageProgress>? progress, CancellationToken cancellationToken, ThreadShare? share = null,
        Tracker? tracker = null, Action? heartbeat = null)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (IsLight(request.Operation))
        {
            return new StageResult();
        }

        if (!request.Secrets.IsEmpty)
        {
            request = WithSecrets(request);
        }

        using var activity = Activities.StartActivity(request.Operation, ActivityKind.Consumer, request.TraceParent);
        activity?.SetTag("gristmill.run", request.RunId).SetTag("gristmill.stage", request.Stage).SetTag("gristmill.attempt", request.Attempt);
        if (options.OwnsProcess)
        {
            ProcessMemory.ResetPeak();
        }

        var wall = Stopwatch.GetTimestamp();
        var cpu = Environment.CpuUsage.TotalTime;
        var copied = CopyCounter.Open();
        try
        {
            var outputs = await RunAsync(request, progress, share, tracker ?? Tracker.None, heartbeat, cancellationToken).ConfigureAwait(false);
            return new StageResult
            {
                Outputs = outputs,
                Usage = new StageUsage
                {
                    WallMs = Stopwatch.GetElapsedTime(wall).TotalMilliseconds,
                    CpuMs = (Environment.CpuUsage.TotalTime - cpu).TotalMilliseconds,
                    Rows = outputs.Values.Sum(o => o.Dataset?.Rows ?? 0),
                    BytesOut = outputs.Values.Sum(o => (o.Dataset?.Bytes ?? 0) + (o.Model?.Bytes ?? 0)),
                    BytesCopied = copied.Bytes,
                    PeakRss = ProcessMemory.Self().Peak,
                },
            };
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            var error = StageErrors.Describe(e, request);
            activity?.SetStatus(ActivityStatusCode.Error, error.Message);
            throw error;
        }
        finally
        {
            // The next attempt may be another engine's: what malloc keeps for this one would count against its limit.
            if (options.OwnsProcess && ProcessMemory.Self().Anonymous > TrimAbove)
            {
                LinuxProcess.ReleaseFreedMemory();
            }
        }
    }

    /// <summary>Secrets take their places in the options here and nowhere else.</summary>
    private static StageRequest WithSecrets(StageRequest request) => request with
    {
        Options = OptionsTemplate.Fill(request.Options, (OptionsReference reference, out JsonNode? literal) =>
        {
            literal = reference.Secret is { } name ? request.Secrets[name] : null;
            return reference.Secret is not null;
        }),
    };

    /// <summary>An engine may block for minutes: it gets a thread of its own, so that the pool's stay free for messages and timers.</summary>
    private Task<ImmutableDictionary<string, Artifact>> RunAsync(
        StageRequest request, IProgress<StageProgress>? progress, ThreadShare? share, Tracker tracker, Action? heartbeat, CancellationToken cancellationToken) =>
        Task.Factory.StartNew(async () =>
        {
            cancellationToken.ThrowIfCancellationRequested();
            var context = new StageContext
            {
                Request = request,
                Objects = objects,
                Content = content,
                Models = _models,
                Progress = progress,
                Share = share,
                Track = tracker,
                OnHeartbeat = heartbeat,
                Checkpoint = new StageCheckpoint(options.CheckpointDirectory, request),
                Threads = Math.Max(1, request.Limits.Threads > 0 ? request.Limits.Threads : options.Threads),
                BaseDirectory = options.BaseDirectory,
            };
            using var tracking = Track.Use(tracker);
            using var owning = ObjectOwner.Use(ObjectOwner.OfStage(request.RunId, request.Stage));
            try
            {
                var outputs = await engines.Find(request.Operation).ExecuteAsync(context, cancellationToken).ConfigureAwait(false);
                await tracker.FlushAsync(cancellationToken).ConfigureAwait(false);
                return outputs.Artifacts.ToImmutableDictionary(StringComparer.Ordinal);
            }
            catch (Exception e)
            {
                // What a failed attempt logged tells why it failed; but its own error is the one that counts, and a cancelled one has a second in all.
                await tracker.FlushAsync(CancellationToken.None).WaitAsync(e is OperationCanceledException ? CancelledFlush : FailedFlush, CancellationToken.None)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                throw;
            }
        }, CancellationToken.None, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default).Unwrap();
}
