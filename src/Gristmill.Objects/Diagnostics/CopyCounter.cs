using System.Diagnostics.Metrics;

namespace Gristmill.Objects;

/// <summary>
/// Counts every byte a bridge copies to hand data over, where it copies it: the metric gristmill.bytes_copied (tag
/// "bridge"), exported as bytes_copied_total. Writing a result once into its segment is not a copy; moving what already
/// exists is.
/// </summary>
public static class CopyCounter
{
    private static readonly Meter Meter = new("Gristmill.Objects");
    private static readonly Counter<long> Copied = Meter.CreateCounter<long>(
        "gristmill.bytes_copied", "By", "Bytes copied by bridges between engines and the object store.");
    private static readonly AsyncLocal<Account?> s_account = new();
    private static long s_total;

    /// <summary>Bytes copied by this process so far.</summary>
    public static long Total => Interlocked.Read(ref s_total);

    /// <summary>
    /// Begins an account of what the calling code copies from here on, and what it starts: tasks, parallel loops and threads. Others of
    /// the process have accounts of their own.
    /// </summary>
    public static Account Open() => s_account.Value = new Account();

    /// <summary>Counts a copy.</summary>
    /// <param name="bridge">The bridge, such as "torch" or "segment".</param>
    /// <param name="bytes">Bytes copied.</param>
    public static void Add(string bridge, long bytes)
    {
        if (bytes == 0)
        {
            return;
        }

        Interlocked.Add(ref s_total, bytes);
        s_account.Value?.Add(bytes);
        Copied.Add(bytes, new KeyValuePair<string, object?>("bridge", bridge));
    }

    /// <summary>Bytes copied by one piece of work.</summary>
    public sealed class Account
    {
        private long _bytes;

        /// <summary>Bytes so far.</summary>
        public long Bytes => Interlocked.Read(ref _bytes);

        internal void Add(long bytes) => Interlocked.Add(ref _bytes, bytes);
    }
}
