using System.Collections.Immutable;
using Gristmill.Grains.Objects;
using Gristmill.Grains.Runs;
using Gristmill.Objects.Transfer;
using Microsoft.Extensions.Logging;

namespace Gristmill.Hosting;

/// <summary>The silos that the directory names for an object, one after the other.</summary>
internal sealed partial class ClusterSources(string id, IObjectDirectoryGrain directory, IObjectHosts hosts, SiloAddress here, TimeProvider time, ILogger logger) : IObjectSources
{
    /// <summary>A silo that does not answer is dead, and not known to be yet.</summary>
    private static readonly TimeSpan s_answer = TimeSpan.FromSeconds(5);

    private readonly ILogger _logger = logger;
    private ImmutableArray<SiloAddress> _failed = [];
    private (SiloAddress Silo, long Bytes) _current;

    public async Task<ObjectOffer?> NextAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var source = await Retry.TransientAsync(() => directory.AcquireAsync(id, here, _failed), time).ConfigureAwait(false);
            if (source.Silo is not { } silo)
            {
                if (source.IsBusy)
                {
                    continue;
                }

                return null;
            }

            try
            {
                if (await hosts.At(silo).OfferAsync(id).WaitAsync(s_answer, time, cancellationToken).ConfigureAwait(false) is { } offer)
                {
                    _current = (silo, offer.Ref.Bytes);
                    return offer;
                }

                await EndAsync(silo, ReadingOutcome.Gone).ConfigureAwait(false);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                await FailedAsync(silo, e).ConfigureAwait(false);
            }
        }
    }

    public Task ReleaseAsync(Exception? error)
    {
        var (silo, bytes) = _current;
        if (error is not null)
        {
            return FailedAsync(silo, error);
        }

        LogBrought(id, bytes, silo);
        return EndAsync(silo, ReadingOutcome.Copied);
    }

    private Task FailedAsync(SiloAddress silo, Exception error)
    {
        LogFailed(id, silo, error);
        _failed = _failed.Add(silo);
        return EndAsync(silo, ReadingOutcome.Failed);
    }

    private async Task EndAsync(SiloAddress silo, ReadingOutcome outcome)
    {
        try
        {
            await Retry.TransientAsync(() => directory.ReleaseAsync(id, silo, here, outcome), time).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // What has come is here all the same; the directory forgets the reading after a while.
            LogNotTold(id, silo, e);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The directory was not told that the reading of object {Id} from {Silo} has ended")]
    private partial void LogNotTold(string id, SiloAddress silo, Exception exception);

    [LoggerMessage(Level = LogLevel.Information, Message = "Object {Id}, {Bytes} bytes, was brought here from {Silo}")]
    private partial void LogBrought(string id, long bytes, SiloAddress silo);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Object {Id} could not be read from {Silo}")]
    private partial void LogFailed(string id, SiloAddress silo, Exception exception);
}
