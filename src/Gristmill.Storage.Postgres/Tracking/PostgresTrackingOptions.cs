namespace Gristmill.Storage.Postgres;

/// <summary>Options of the tracking store in PostgreSQL: what runs log, and the index they are searched by, of all silos of the database.</summary>
public sealed class PostgresTrackingOptions : PostgresOptions
{
    /// <summary>
    /// Bytes that may wait to be written, in this process; what comes on top is refused with <see cref="ErrorCodes.StorageBusy"/>. Stages wait for the store
    /// before they log more than some, so only a database that is slow or away for long gets near.
    /// </summary>
    /// <value>268,435,456 (256 MiB); 1 MiB to 64 GiB</value>
    public long MaxQueuedBytes { get; set; } = 256 << 20;

    internal override IEnumerable<string> Problems()
    {
        foreach (var problem in base.Problems())
        {
            yield return problem;
        }

        if (MaxQueuedBytes is < 1 << 20 or > 64L << 30)
        {
            yield return $"MaxQueuedBytes is {MaxQueuedBytes}; allowed is 1,048,576 (1 MiB) to 68,719,476,736 (64 GiB)";
        }
    }
}
