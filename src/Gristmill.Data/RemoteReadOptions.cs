namespace Gristmill.Data;

/// <summary>How files of web servers, S3 and Azure Blob Storage are fetched.</summary>
public sealed record RemoteReadOptions
{
    /// <summary>Bytes of files that are fetched and not yet read, on the disk of <see cref="FlowOptions.TempDirectory"/>. The file that is read next is fetched whatever its size.</summary>
    /// <value>1 GiB.</value>
    public long BytesAhead { get; init; } = 1L << 30;

    /// <summary>Files that are fetched at once, 1 to 64.</summary>
    /// <value>4.</value>
    public int Connections { get; init; } = 4;

    /// <summary>How long a server may take for an answer, and then for each further byte.</summary>
    /// <value>60 seconds.</value>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How often a file is asked for without a byte coming of it, 1 to 100: after a connection that breaks, a timeout, and the answers 408, 429 and 5xx. A file goes on where it broke off if the server can.</summary>
    /// <value>5.</value>
    public int Attempts { get; init; } = 5;

    /// <summary>What is waited before the second attempt; doubled for each further one, up to 30 seconds.</summary>
    /// <value>200 milliseconds.</value>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>Of <c>s3://</c>, <c>az://</c> and <c>abfss://</c>: where the credentials are from.</summary>
    /// <value><see cref="CloudStorage.Ambient"/>.</value>
    public CloudStorage Storage { get; init; } = CloudStorage.Ambient;

    /// <summary>Of folders and patterns in S3 and Azure Blob Storage: how many objects are looked through at most, 1 to 10,000,000; beyond, the flow fails.</summary>
    /// <value>100,000.</value>
    public int MaxListed { get; init; } = 100_000;

    internal RemoteReadOptions Check()
    {
        var wrong = new List<string>();
        if (BytesAhead < 0)
        {
            wrong.Add($"BytesAhead is {BytesAhead}, and must be 0 or more");
        }

        if (Connections is < 1 or > 64)
        {
            wrong.Add($"Connections is {Connections}, and must be 1 to 64");
        }

        if (Attempts is < 1 or > 100)
        {
            wrong.Add($"Attempts is {Attempts}, and must be 1 to 100");
        }

        if (Timeout <= TimeSpan.Zero || Timeout > TimeSpan.FromDays(1))
        {
            wrong.Add($"Timeout is {Timeout}, and must be above 0 and at most a day");
        }

        if (RetryDelay < TimeSpan.Zero || RetryDelay > TimeSpan.FromSeconds(30))
        {
            wrong.Add($"RetryDelay is {RetryDelay}, and must be 0 to 30 seconds");
        }

        if (MaxListed is < 1 or > 10_000_000)
        {
            wrong.Add($"MaxListed is {MaxListed}, and must be 1 to 10,000,000");
        }

        return wrong.Count == 0 ? this : throw new GristmillException(ErrorCodes.Invalid, $"The options of remote files are wrong: {string.Join("; ", wrong)}.", "Correct them.");
    }
}
