using System.Collections.Concurrent;

namespace Gristmill.Data.Sources.Remote.Cloud;

/// <summary>Finds what paths stand for in buckets and containers, as <see cref="FileSet"/> does on disk.</summary>
internal sealed class CloudFiles(RemoteReadOptions options, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, CloudContainer> _containers = new(StringComparer.Ordinal);

    /// <summary>The files, those of a folder or pattern in the order of their names.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.FileNotFound"/>, <see cref="ErrorCodes.SourceUnavailable"/>, <see cref="ErrorCodes.Invalid"/>, <see cref="ErrorCodes.SecretMissing"/>.</exception>
    public async Task<IReadOnlyList<RemoteFile>> FindAsync(CloudPath path, FileFormat? format, CancellationToken cancellationToken)
    {
        var container = _containers.GetOrAdd(path.Root, _ => path.IsS3 ? new S3Bucket(path, options) : new BlobContainer(path, options));
        var pattern = path.Key.AsSpan().IndexOfAny("*?[");
        GristmillException? missing = null;
        if (path.Key.Length > 0 && !path.Key.EndsWith('/') && pattern < 0)
        {
            var file = container.File(Calls(path.ToString()), path.Key, null);
            try
            {
                await file.LookAsync(cancellationToken).ConfigureAwait(false);
                return [file];
            }
            catch (GristmillException e) when (e.Code == ErrorCodes.FileNotFound)
            {
                // It may be a folder.
                missing = e;
            }
        }

        var files = new Dictionary<string, RemoteFile>(StringComparer.Ordinal);
        var folder = path.ToString().TrimEnd('/');
        var prefix = pattern >= 0 ? path.Key[..pattern] : path.Key.TrimEnd('/') is { Length: > 0 } key ? key + "/" : "";
        var below = pattern < 0 || path.Key.AsSpan(pattern).Contains('/');
        try
        {
            await ListAsync(container, path, prefix, below, files, cancellationToken).ConfigureAwait(false);
        }
        catch (GristmillException e) when (missing is not null && e.Code == ErrorCodes.SourceUnavailable)
        {
            // Who may read an object need not be let list.
            throw missing;
        }

        IReadOnlyList<string> names;
        if (pattern < 0)
        {
            names = missing is not null && files.Count == 0 ? throw missing : FileSet.OfFolder(folder, files.Keys, format);
        }
        else if (files.TryGetValue(path.ToString(), out var meant))
        {
            // A name with characters of patterns is meant itself.
            return [meant];
        }
        else
        {
            names = FileSet.Matching(path.ToString(), files.Keys);
        }

        return [.. names.Select(name => files[name])];
    }

    private async Task ListAsync(CloudContainer container, CloudPath path, string prefix, bool below, Dictionary<string, RemoteFile> files, CancellationToken cancellationToken)
    {
        var calls = Calls(path.ToString());
        string? next = null;
        long listed = 0;
        do
        {
            var page = await calls.RetryAsync(() => calls.InTimeAsync(token => container.ListAsync(calls, prefix, below, next, token), cancellationToken), () => listed, cancellationToken).ConfigureAwait(false);
            // A page without objects counts too, lest a server that sends no others is asked for ever.
            listed += Math.Max(1, page.Objects.Count);
            if (listed > options.MaxListed)
            {
                throw new GristmillException(ErrorCodes.Invalid, FormattableString.Invariant($"'{path}' has more than {options.MaxListed} objects to look through."),
                    "Write more before the first *, or raise the option Remote.MaxListed.").With("file", path.ToString());
            }

            foreach (var (key, version) in page.Objects)
            {
                var name = path.Root + key;
                files[name] = container.File(Calls(name), key, version);
            }

            next = page.Next;
        }
        while (next is not null);
    }

    private RemoteCalls Calls(string name) => new(name, options, time);
}
