namespace Gristmill.Objects.Streams;

/// <summary>Waits for what another process does to shared memory, which wakes nobody: looks at once, then each millisecond, and less often once nothing happens for long.</summary>
internal static class StreamWait
{
    private const int Spins = 20, Short = 1_000;
    private static readonly TimeSpan s_short = TimeSpan.FromMilliseconds(1), s_long = TimeSpan.FromMilliseconds(10);

    public static async Task UntilAsync(Func<bool> done, CancellationToken cancellationToken)
    {
        var spin = default(SpinWait);
        for (var looks = 0; !done(); looks++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (looks < Spins)
            {
                spin.SpinOnce(sleep1Threshold: -1);
            }
            else
            {
                await Task.Delay(looks < Short ? s_short : s_long, cancellationToken).ConfigureAwait(false);
            }
        }
    }
}
