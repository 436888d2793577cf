namespace Gristmill.Client;

/// <summary>How a client reaches its server.</summary>
public sealed record GristmillClientOptions
{
    /// <summary>The server's address, without "/api/v1".</summary>
    /// <value>The environment variable GRISTMILL_SERVER, else http://127.0.0.1:5080.</value>
    public Uri Server { get; init; } = DefaultServer;

    /// <summary>Longest wait for an answer; watching a run is not limited.</summary>
    /// <value>100 s</value>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(100);

    /// <summary>Attempts in all of calls that can be repeated, where the server cannot be reached or is overloaded.</summary>
    /// <value>4</value>
    public int Attempts { get; init; } = 4;

    /// <summary>Wait before the second attempt; doubles each time.</summary>
    /// <value>100 ms</value>
    public TimeSpan Backoff { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>The address to use where none is given.</summary>
    public static Uri DefaultServer =>
        Environment.GetEnvironmentVariable("GRISTMILL_SERVER") is { Length: > 0 } server ? ParseServer(server) : new Uri("http://127.0.0.1:5080");

    /// <summary>Reads a server's address; "host:port" means http.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: it is no address.</exception>
    public static Uri ParseServer(string address)
    {
        ArgumentNullException.ThrowIfNull(address);
        var text = address.Contains("://", StringComparison.Ordinal) ? address : $"http://{address}";
        return Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.Host.Length > 0
            ? uri
            : throw new GristmillException(ErrorCodes.Invalid, $"'{address}' is not a server's address.", "Write it as http://127.0.0.1:5080.");
    }
}
