using System.Net.Http.Headers;
using Azure;
using Azure.Identity;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;

namespace Gristmill.Data.Sources.Remote.Cloud;

/// <summary>A container of Azure Blob Storage.</summary>
internal sealed class BlobContainer : CloudContainer
{
    // What the Azure CLI and its kin read.
    private const string Variable = "AZURE_STORAGE_CONNECTION_STRING";

    private readonly CloudPath _path;
    private readonly CloudClient<BlobContainerClient> _client;

    public BlobContainer(CloudPath path, RemoteReadOptions options)
    {
        _path = path;
        _client = new CloudClient<BlobContainerClient>(options.Storage, text => Connect(options, text));
    }

    public override Task<CloudPage> ListAsync(RemoteCalls calls, string prefix, bool below, string? next, CancellationToken cancellationToken) => CallAsync(calls, async client =>
    {
        // The delimiter stands for one folder: what is deeper comes as its name alone.
        var pages = client.GetBlobsByHierarchyAsync(new GetBlobsByHierarchyOptions { Prefix = prefix, Delimiter = below ? null : "/", Traits = BlobTraits.Metadata }, cancellationToken).AsPages(next);
        await foreach (var page in pages.ConfigureAwait(false))
        {
            return new CloudPage(
                [.. page.Values.Where(static item => item.IsBlob && !IsFolder(item.Blob)).Select(static item => (item.Blob.Name, VersionOf(item.Blob.Properties.ContentLength, item.Blob.Properties.ETag)))],
                page.ContinuationToken is { Length: > 0 } token ? token : null);
        }

        return new CloudPage([], null);
    }, cancellationToken);

    public override RemoteFile File(RemoteCalls calls, string key, RemoteVersion? version) => new BlobFile(this, calls, key, version);

    // With a hierarchical namespace folders are blobs that say so.
    private static bool IsFolder(BlobItem blob) => blob.Name.EndsWith('/') || (blob.Metadata?.TryGetValue("hdi_isfolder", out var is_) == true && string.Equals(is_, "true", StringComparison.OrdinalIgnoreCase));

    private BlobContainerClient Connect(RemoteReadOptions options, string? text)
    {
        // This side tries again, and says when it is too late.
        var how = new BlobClientOptions { Retry = { MaxRetries = 0, NetworkTimeout = options.Timeout * 2 }, Diagnostics = { IsLoggingEnabled = false } };
        text ??= options.Storage == CloudStorage.Ambient && Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } set ? set : null;
        if (text is null)
        {
            return options.Storage == CloudStorage.Anonymous ? new BlobContainerClient(Address(), how) : new BlobContainerClient(Address(), new DefaultAzureCredential(), how);
        }

        if (!text.Contains(';', StringComparison.Ordinal) && text.Contains("sig=", StringComparison.Ordinal))
        {
            return new BlobContainerClient(Address(), new AzureSasCredential(text.TrimStart('?')), how);
        }

        BlobContainerClient client;
        try
        {
            client = new BlobContainerClient(text, _path.Container, how);
        }
        catch (Exception e) when (e is ArgumentException or FormatException or InvalidOperationException or KeyNotFoundException)
        {
            // Its message may quote the text.
            throw new GristmillException(ErrorCodes.Invalid, $"The {options.Storage} does not say how Azure Blob Storage is reached.",
                "Give a connection string of the storage account, or a shared access signature (sv=...&sig=...).");
        }

        return _path.Account is not { } account || account.Split('.')[0] == client.AccountName
            ? client
            : throw new GristmillException(ErrorCodes.Invalid, $"The {options.Storage} is of another storage account than '{_path}'.", "Give the account's own.");
    }

    private Uri Address()
    {
        if (_path.Account is not { } account)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"Nothing says which storage account '{_path}' is of.",
                $"Give a connection string (option Remote.Storage, or the variable {Variable}), or write abfss://container@account.dfs.core.windows.net/name.");
        }

        return new Uri($"https://{account.Replace(".dfs.", ".blob.", StringComparison.OrdinalIgnoreCase)}/{_path.Container}");
    }

    private async Task<T> CallAsync<T>(RemoteCalls calls, Func<BlobContainerClient, Task<T>> call, CancellationToken cancellationToken)
    {
        try
        {
            return await call(await _client.GetAsync(cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
        }
        catch (AuthenticationFailedException)
        {
            throw calls.Unavailable("cannot be asked for: the environment has no credentials of Azure",
                "Set the option Remote.Storage, or the environment as DefaultAzureCredential reads it; CloudStorage.Anonymous is for what is public.");
        }
        catch (RequestFailedException e)
        {
            throw Explain(calls, e);
        }
    }

    private static Exception Explain(RemoteCalls calls, RequestFailedException e) =>
        CloudErrors.Explain(calls, e.Status, e.ErrorCode, name => e.GetRawResponse() is { } answer && answer.Headers.TryGetValue(name, out var value) ? value : null);

    private static RemoteVersion VersionOf(long? bytes, ETag? tag) => new(bytes, EntityTagHeaderValue.TryParse(tag?.ToString("H"), out var parsed) ? parsed : null, null);

    private sealed class BlobFile : RemoteFile
    {
        private readonly BlobContainer _container;
        private readonly string _key;

        public BlobFile(BlobContainer container, RemoteCalls calls, string key, RemoteVersion? version)
            : base(calls)
        {
            (_container, _key, Version) = (container, key, version);
        }

        protected override Task<RemoteVersion> AskAsync(CancellationToken cancellationToken) => _container.CallAsync(Calls, async client =>
        {
            var said = (await client.GetBlobClient(_key).GetPropertiesAsync(cancellationToken: cancellationToken).ConfigureAwait(false)).Value;
            return VersionOf(said.ContentLength, said.ETag);
        }, cancellationToken);

        protected override Task<RemoteContent> OpenAsync(long from, RemoteVersion known, CancellationToken cancellationToken) => _container.CallAsync(Calls, async client =>
        {
            var options = new BlobDownloadOptions { Range = new HttpRange(from), Conditions = new BlobRequestConditions { IfMatch = known.Tag is { } tag ? new ETag(tag.Tag) : null } };
            var answer = (await client.GetBlobClient(_key).DownloadStreamingAsync(options, cancellationToken).ConfigureAwait(false)).Value;
            var range = ContentRangeHeaderValue.TryParse(answer.Details.ContentRange, out var parsed) ? parsed : null;
            return new RemoteContent(answer.Content, VersionOf(range is null ? answer.Details.ContentLength : range.Length, answer.Details.ETag), range?.From ?? 0, answer);
        }, cancellationToken);

        // The SDK's stream goes on by itself where a connection breaks off, until it has not for some times.
        protected override Exception? Explain(Exception e) => e switch
        {
            RequestFailedException failed => BlobContainer.Explain(Calls, failed),
            AggregateException => new BusyException("the connection breaks off", null),
            _ => null,
        };
    }
}
