namespace Gristmill.Data.Sources.Remote.Cloud;

/// <summary>A client of a bucket or container, made anew when its credentials are others: those that expire may be replaced while files are read.</summary>
/// <param name="storage">Knows them.</param>
/// <param name="connect">Makes it of their text. The SDKs keep connections themselves, so it needs no end.</param>
internal sealed class CloudClient<T>(CloudStorage storage, Func<string?, T> connect)
    where T : class
{
    private readonly Lock _gate = new();
    private string? _text;
    private T? _client;

    public async ValueTask<T> GetAsync(CancellationToken cancellationToken)
    {
        var text = await storage.FindAsync(cancellationToken).ConfigureAwait(false);
        lock (_gate)
        {
            if (_client is null || text != _text)
            {
                (_client, _text) = (connect(text), text);
            }

            return _client;
        }
    }
}
