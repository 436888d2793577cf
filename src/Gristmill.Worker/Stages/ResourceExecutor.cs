using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Gristmill.Worker;

/// <summary>
/// Lets attempts wait until what their stages require is free on this host: of each resource no more is in use at a time than there is.
/// An attempt gets all it requires at once, so none waits for another that waits for it; of two that require the same the first goes first.
/// </summary>
public sealed partial class ResourceExecutor : IStageExecutor, IAsyncDisposable
{
    /// <summary>The resource that is found by itself: NVIDIA's devices.</summary>
    public const string Gpu = "gpu";

    private readonly IStageExecutor _inner;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _offered;
    private readonly Dictionary<string, int> _free;
    private readonly LinkedList<Waiter> _waiters = new();

    /// <summary>Puts the resources before an executor.</summary>
    /// <param name="inner">Runs the attempts.</param>
    /// <param name="offered">What there is, by name; GPUs are counted if they are not named.</param>
    public ResourceExecutor(IStageExecutor inner, IReadOnlyDictionary<string, double> offered)
    {
        ArgumentNullException.ThrowIfNull(inner);
        ArgumentNullException.ThrowIfNull(offered);
        _inner = inner;
        _offered = offered.ToDictionary(static o => o.Key, static o => (int)Math.Round(o.Value * 1000), StringComparer.Ordinal);
        _offered.TryAdd(Gpu, CountGpus() * 1000);
        _free = new(_offered, StringComparer.Ordinal);
    }

    /// <inheritdoc/>
    public bool IsFaithful => _inner.IsFaithful;

    /// <inheritdoc/>
    public void Prepare() => _inner.Prepare();

    /// <inheritdoc/>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.ResourceMissing"/>: the stage requires more than this host has; or the attempt's own.</exception>
    public Task<StageResult> ExecuteAsync(StageRequest request, IProgress<StageProgress>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        return request.Resources is { Count: > 0 } required
            ? ExecuteAsync(request, required, progress, cancellationToken)
            : _inner.ExecuteAsync(request, progress, cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_inner is IAsyncDisposable disposable)
        {
            await disposable.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task<StageResult> ExecuteAsync(StageRequest request, ImmutableDictionary<string, int> required, IProgress<StageProgress>? progress, CancellationToken cancellationToken)
    {
        foreach (var (resource, amount) in required)
        {
            if (_offered.GetValueOrDefault(resource) is var there && there < amount)
            {
                throw new GristmillException(ErrorCodes.ResourceMissing,
                    $"Stage '{request.Stage}' requires {Text(amount)} of '{resource}', and this silo has {Text(there)}.",
                    $"Say what its host has with Gristmill:Resources:{resource}, run the pipeline where there is more, or require less.").With("resource", resource);
            }
        }

        await AcquireAsync(required, progress, cancellationToken).ConfigureAwait(false);
        try
        {
            return await _inner.ExecuteAsync(request, progress, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Release(required);
        }
    }

    private async Task AcquireAsync(ImmutableDictionary<string, int> required, IProgress<StageProgress>? progress, CancellationToken cancellationToken)
    {
        var waiter = new Waiter(required);
        LinkedListNode<Waiter> node;
        lock (_gate)
        {
            node = _waiters.AddLast(waiter);
            Dispatch();
        }

        if (waiter.Task.IsCompleted)
        {
            return;
        }

        progress?.Report(new StageProgress(null, $"waits for {string.Join(" and ", required.Keys.Order(StringComparer.Ordinal))}"));
        using var registration = cancellationToken.UnsafeRegister(_ =>
        {
            lock (_gate)
            {
                if (node.List is not null)
                {
                    _waiters.Remove(node);
                    waiter.TrySetCanceled(cancellationToken);
                    // Those behind it may have waited for it only.
                    Dispatch();
                }
            }
        }, null);
        await waiter.Task.ConfigureAwait(false);
    }

    private void Release(ImmutableDictionary<string, int> required)
    {
        lock (_gate)
        {
            foreach (var (resource, amount) in required)
            {
                _free[resource] += amount;
            }

            Dispatch();
        }
    }

    /// <summary>Gives what is free to those who wait, in their order; who waits for one resource holds nobody up who requires others. Under the lock.</summary>
    private void Dispatch()
    {
        var claimed = new HashSet<string>(StringComparer.Ordinal);
        for (var node = _waiters.First; node is not null;)
        {
            var (next, required) = (node.Next, node.Value.Required);
            if (required.All(r => !claimed.Contains(r.Key) && _free.GetValueOrDefault(r.Key) >= r.Value))
            {
                foreach (var (resource, amount) in required)
                {
                    _free[resource] -= amount;
                }

                _waiters.Remove(node);
                node.Value.TrySetResult();
            }
            else
            {
                claimed.UnionWith(required.Keys);
            }

            node = next;
        }
    }

    private static int CountGpus() => OperatingSystem.IsLinux() ? Directory.EnumerateFiles("/dev", "nvidia*").Count(static path => Device().IsMatch(Path.GetFileName(path))) : 0;

    private static string Text(int thousandths) => (thousandths / 1000.0).ToString("0.###", CultureInfo.InvariantCulture);

    [GeneratedRegex("^nvidia[0-9]+$")]
    private static partial Regex Device();

    private sealed class Waiter(ImmutableDictionary<string, int> required) : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public ImmutableDictionary<string, int> Required => required;
    }
}
