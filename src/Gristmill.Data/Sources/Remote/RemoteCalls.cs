using System.Globalization;

namespace Gristmill.Data.Sources.Remote;

/// <summary>Asks servers for one file or one listing: in time, again where that may help, and with errors that name it.</summary>
/// <param name="name">What is asked for, without secrets.</param>
/// <param name="options">How long, and how often.</param>
/// <param name="time">The clock.</param>
internal sealed class RemoteCalls(string name, RemoteReadOptions options, TimeProvider time)
{
    private static readonly TimeSpan s_longestDelay = TimeSpan.FromSeconds(30);

    public string Name => name;

    public TimeSpan Timeout => options.Timeout;

    public TimeProvider Time => time;

    /// <summary>Does something that is given up once it takes too long.</summary>
    public async Task<T> InTimeAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(options.Timeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            return await work(both.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw Stalled();
        }
    }

    /// <summary>Tries until nothing more comes of it.</summary>
    public async Task<T> RetryAsync<T>(Func<Task<T>> work, Func<long> progress, CancellationToken cancellationToken)
    {
        var (failures, before) = (0, 0L);
        while (true)
        {
            Exception failure;
            try
            {
                return await work().ConfigureAwait(false);
            }
            catch (HttpRequestException e) when (e.HttpRequestError == HttpRequestError.SecureConnectionError)
            {
                throw Unavailable($"offers no connection that can be trusted: {e.InnerException?.Message ?? e.Message}", "Look at the server's certificate, and at those that this host trusts.", e);
            }
            catch (Exception e) when (e is HttpRequestException or IOException or TimeoutException)
            {
                failure = e;
            }

            failures = progress() > before ? 1 : failures + 1;
            before = progress();
            if (failures >= options.Attempts)
            {
                var tries = string.Create(CultureInfo.InvariantCulture, $"{failures} attempt{(failures == 1 ? "" : "s")}");
                throw Unavailable($"cannot be fetched; {tries} ended with: {failure.Message}", "Look whether the server is up and can be reached from here, and run again.", failure);
            }

            var delay = options.RetryDelay * Math.Pow(2, Math.Min(failures - 1, 10));
            delay = delay < s_longestDelay ? delay : s_longestDelay;
            if (failure is BusyException { After: { } after } && after > delay)
            {
                // A server may ask for a pause, not for more than is waited for its answers.
                delay = after < options.Timeout ? after : options.Timeout;
            }

            await Task.Delay(delay, time, cancellationToken).ConfigureAwait(false);
        }
    }

    public TimeoutException Stalled() => new(FormattableString.Invariant($"nothing came for {options.Timeout.TotalSeconds:0.###} s"));

    public GristmillException Changed() =>
        new GristmillException(ErrorCodes.SourceChanged, $"'{name}' was changed while it was read.", "Run again once nobody writes it.").With("file", name);

    public GristmillException Unavailable(string what, string hint, Exception? inner = null) =>
        new GristmillException(ErrorCodes.SourceUnavailable, $"'{name}' {what}.", hint, inner).With("file", name);
}
