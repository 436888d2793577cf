using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace Gristmill.Hosting;

/// <summary>
/// Declares the silo dead that this data folder had before, so that nobody waits for its time-outs after a crash: the
/// folder's lock proves that it does not live.
/// </summary>
internal sealed partial class PreviousMember(
    IMembershipTable table, ILocalSiloDetails local, IOptions<ClusterOptions> cluster, DataFolder folder, TimeProvider time, ILogger<PreviousMember> logger)
    : ILifecycleParticipant<ISiloLifecycle>
{
    private const int Tries = 10;

    private readonly ILogger<PreviousMember> _logger = logger;

    public void Participate(ISiloLifecycle lifecycle) => lifecycle.Subscribe(nameof(PreviousMember), ServiceLifecycleStage.First, StartAsync);

    private string File => Path.Combine(folder.Root, "silo.address");

    private async Task StartAsync(CancellationToken cancellationToken)
    {
        await table.InitializeMembershipTableAsync(true, cancellationToken);
        if (Previous() is { } previous)
        {
            for (var attempt = 0; attempt < Tries && !await DeclareDeadAsync(previous, cancellationToken); attempt++)
            {
                // Somebody else changed the table in between.
            }
        }

        await System.IO.File.WriteAllTextAsync(File, $"{cluster.Value.ClusterId} {local.SiloAddress.ToParsableString()}", cancellationToken);
    }

    private SiloAddress? Previous()
    {
        try
        {
            return System.IO.File.Exists(File) && System.IO.File.ReadAllText(File).Split(' ') is [var id, var address] && id == cluster.Value.ClusterId
                ? SiloAddress.FromParsableString(address)
                : null;
        }
        catch (Exception e) when (e is IOException or FormatException or ArgumentException)
        {
            return null;
        }
    }

    private async Task<bool> DeclareDeadAsync(SiloAddress previous, CancellationToken cancellationToken)
    {
        var seen = await table.ReadRowAsync(previous, cancellationToken);
        if (seen.Members.Count == 0 || seen.Members[0].Item1.Status == SiloStatus.Dead)
        {
            return true;
        }

        var (entry, etag) = seen.Members[0];
        entry.AddOrUpdateSuspector(local.SiloAddress, time.GetUtcNow().UtcDateTime, 1);
        entry.Status = SiloStatus.Dead;
        LogPrevious(previous);
        return await table.UpdateRowAsync(entry, etag, seen.Version.Next(), cancellationToken);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Silo {Previous}, which held this data folder before, is declared dead")]
    private partial void LogPrevious(SiloAddress previous);
}
