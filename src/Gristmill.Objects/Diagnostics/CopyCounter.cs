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
    private static long s_total;

    /// <summary>Bytes copied by this process so far.</summary>
    public static long Total => Interlocked.Read(ref s_total);

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
        Copied.Add(bytes, new KeyValuePair<string, object?>("bridge", bridge));
    }
}
