using System.Collections.Concurrent;
using Gristmill.Objects.Platform;
using Gristmill.Objects.Transfer;

namespace Gristmill.Objects;

// What comes from other hosts.
public sealed partial class ObjectStore
{
    private const string PullFolder = ".pulls";
    private static readonly TimeSpan s_pullPause = TimeSpan.FromMilliseconds(20);
    private readonly ConcurrentDictionary<string, SharedPull> _pulls = new(StringComparer.Ordinal);

    /// <summary>
    /// Brings an object of another host here, checks it against the checksum it was sealed with, and keeps it under the same id. It comes once, however many
    /// callers and processes of this host ask for it; each may be cancelled without the others.
    /// </summary>
    /// <param name="id">The object.</param>
    /// <param name="sources">Finds hosts that hold it; asked only if it is not here.</param>
    /// <param name="cancellationToken">Ends the caller's wait, and the transfer if nobody else waits.</param>
    /// <exception cref="GristmillException">
    /// <see cref="ErrorCodes.ObjectNotFound"/>: no host has it. <see cref="ErrorCodes.StoreFull"/>: no room for it here. <see cref="ErrorCodes.Corrupt"/>: what
    /// hosts sent is not what was sealed, and none is left. <see cref="ErrorCodes.ObjectUnreachable"/>: the hosts that have it were lost, and none is left.
    /// </exception>
    public async Task PullAsync(string id, IObjectSources sources, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(id);
        ArgumentNullException.ThrowIfNull(sources);
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (!IsId(id))
        {
            throw NotFound(id);
        }

        while (!Contains(id))
        {
            var pull = _pulls.GetOrAdd(id, static (_, make) => new SharedPull(make), (Func<CancellationToken, Task>)(token => PullOnceAsync(id, sources, token)));
            if (!pull.TryJoin())
            {
                _pulls.TryRemove(new(id, pull)); // it is over, or has just been given up
                continue;
            }

            try
            {
                await pull.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
                return;
            }
            finally
            {
                if (pull.Leave())
                {
                    _pulls.TryRemove(new(id, pull));
                    pull.Dispose();
                }
            }
        }
    }

    internal string FileOf(string id) => _files.Find(id + SealedSuffix);

    internal SegmentFile NewReplica(string id, long bytes) => SegmentPlatform.Current.Create(new SegmentName(id, Path.Combine(Options.Directory, $"{id}.{Guid.NewGuid():n}{BuildingSuffix}"), PathOf(id)), bytes, bytes, Budget);

    /// <summary>Brings it, unless another process of this host does: then waits for that, and takes over if it dies.</summary>
    private async Task PullOnceAsync(string id, IObjectSources sources, CancellationToken cancellationToken)
    {
        string folder = Path.Combine(Options.Directory, PullFolder), path = Path.Combine(folder, id);
        Directory.CreateDirectory(folder);
        while (true)
        {
            using (var held = SegmentPlatform.Current.LockFolder(path, wait: false))
            {
                if (Contains(id))
                {
                    return;
                }

                if (held is not null)
                {
                    try
                    {
                        await new ObjectPull(this, id, sources).RunAsync(cancellationToken).ConfigureAwait(false);
                        return;
                    }
                    finally
                    {
                        File.Delete(path); // who has opened it meanwhile finds the object
                    }
                }
            }

            await Task.Delay(s_pullPause, cancellationToken).ConfigureAwait(false);
        }
    }
}
