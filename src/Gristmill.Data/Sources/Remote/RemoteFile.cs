namespace Gristmill.Data.Sources.Remote;

/// <summary>A file of a server: asked what it is, and fetched, going on where a connection breaks off.</summary>
internal abstract class RemoteFile(RemoteCalls calls)
{
    private const int DiskFull = 28;

    /// <summary>Its address, without secrets.</summary>
    public string Name => Calls.Name;

    /// <summary>What the server has said of it; null: nothing yet.</summary>
    public RemoteVersion? Version { get; protected set; }

    protected RemoteCalls Calls { get; } = calls;

    /// <summary>What the server says of it.</summary>
    public async Task<RemoteVersion> LookAsync(CancellationToken cancellationToken) =>
        Version ??= await Calls.RetryAsync(() => Calls.InTimeAsync(AskAsync, cancellationToken), static () => 0, cancellationToken).ConfigureAwait(false);

    /// <summary>Fetches it into a file, once it was looked at.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>Its bytes.</returns>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.SourceChanged"/>, <see cref="ErrorCodes.SourceUnavailable"/>, <see cref="ErrorCodes.FileNotFound"/> or <see cref="ErrorCodes.StoreFull"/>.</exception>
    public async Task<long> FetchAsync(string path, CancellationToken cancellationToken)
    {
        var known = await LookAsync(cancellationToken).ConfigureAwait(false);
        var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, 1);
        await using var _ = file.ConfigureAwait(false);
        long most = 0;
        return await Calls.RetryAsync(async () =>
        {
            if (file.Position > 0 && known.Condition is null)
            {
                // Nothing says that what follows belongs to what is here.
                file.SetLength(0);
            }

            if (file.Position > 0 && file.Position == known.Bytes)
            {
                // It broke off behind the last byte: there is no range to ask for.
                return file.Position;
            }

            using var content = await Calls.InTimeAsync(token => OpenAsync(file.Position, known, token), cancellationToken).ConfigureAwait(false);
            if (!known.Is(content.Version))
            {
                throw Calls.Changed();
            }

            // Of a server that does not do ranges: from the start.
            file.SetLength(content.From);
            await CopyAsync(content.Bytes, file, () => most = Math.Max(most, file.Position), cancellationToken).ConfigureAwait(false);
            if ((content.Version.Bytes ?? known.Bytes) is { } bytes && file.Position != bytes)
            {
                throw new IOException(FormattableString.Invariant($"{file.Position} of {bytes} bytes came"));
            }

            return file.Position;
        }, () => most, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Asks what it is, once.</summary>
    protected abstract Task<RemoteVersion> AskAsync(CancellationToken cancellationToken);

    /// <summary>Asks for its bytes, once.</summary>
    /// <param name="from">The first of them; the answer may begin at 0 all the same.</param>
    /// <param name="known">What it is known to be.</param>
    /// <param name="cancellationToken">Ends it.</param>
    protected abstract Task<RemoteContent> OpenAsync(long from, RemoteVersion known, CancellationToken cancellationToken);

    /// <summary>What an error means that the bytes of an answer end with; null: it is no other than it says.</summary>
    protected virtual Exception? Explain(Exception e) => null;

    private async Task CopyAsync(Stream content, FileStream file, Action came, CancellationToken cancellationToken)
    {
        using var stalled = new CancellationTokenSource(Timeout.InfiniteTimeSpan, Calls.Time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(stalled.Token, cancellationToken);
        var buffer = new byte[1 << 17];
        while (true)
        {
            stalled.CancelAfter(Calls.Timeout);
            int read;
            try
            {
                read = await content.ReadAsync(buffer, both.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stalled.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                throw Calls.Stalled();
            }
            catch (Exception e) when (Explain(e) is { } explained)
            {
                throw explained;
            }

            if (read == 0)
            {
                return;
            }

            try
            {
                await file.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
            }
            catch (IOException e) when ((e.HResult & 0xFFFF) == DiskFull)
            {
                throw new GristmillException(ErrorCodes.StoreFull, $"The disk is full: '{Name}' cannot be fetched.", "Free some space where temporary files go, or lower BytesAhead.", e).With("file", Name);
            }

            came();
        }
    }
}
