using Microsoft.Win32.SafeHandles;

namespace Gristmill.Objects.Platform.Linux;

/// <summary>
/// Mappings that this process wrote segments through, kept for a while after these were sealed: if one is deleted soon and its file written again here, its pages
/// are there. Memory that nobody refers to is not held by them: whoever removes a file that nobody reads cuts it to nothing first, and what readers had mapped
/// is let go of by <see cref="Trim"/>.
/// </summary>
/// <param name="Path">The segment's name when it was sealed.</param>
/// <param name="File">The file, which is not locked.</param>
/// <param name="Address">Where it is mapped.</param>
/// <param name="Range">Bytes of addresses.</param>
/// <param name="Populated">Bytes of which the pages are there.</param>
internal sealed record KeptMapping(string Path, SafeFileHandle File, nint Address, long Range, long Populated)
{
    private const int Most = 4;
    private const long MostBytes = 4L << 30;
    private static readonly TimeSpan s_age = TimeSpan.FromSeconds(30), s_pause = TimeSpan.FromSeconds(5);
    private static readonly LinkedList<KeptMapping> s_kept = [];
    private static readonly Lock s_gate = new();
    private static Timer? s_timer;
    private readonly long _since = Environment.TickCount64;

    /// <summary>Keeps one; the oldest go for it.</summary>
    public void Keep()
    {
        lock (s_gate)
        {
            s_kept.AddLast(this);
            s_timer ??= new Timer(static _ => Trim(), null, s_pause, s_pause);
        }

        Trim();
    }

    /// <summary>The mapping of an open file, which is no longer kept; null if there is none.</summary>
    public static KeptMapping? Take(SafeFileHandle file)
    {
        lock (s_gate)
        {
            var found = s_kept.FirstOrDefault(kept => Libc.TryGetStatus(file, out var wanted) && Libc.TryGetStatus(kept.File, out var there)
                && (wanted.Inode, wanted.DeviceMajor, wanted.DeviceMinor) == (there.Inode, there.DeviceMajor, there.DeviceMinor));
            if (found is not null)
            {
                s_kept.Remove(found);
            }

            return found;
        }
    }

    /// <summary>Unmaps what is old, too much, or of a file that is gone. It takes a tenth of a second a gigabyte, for which nobody need wait.</summary>
    public static void Trim() => Task.Run(static () => Unmap(static kept => s_kept.Count > Most || s_kept.Sum(static other => other.Populated) > MostBytes
        || Environment.TickCount64 - kept._since > s_age.TotalMilliseconds || !Libc.TryGetStatus(kept.File, out var status) || status.Links == 0));

    /// <summary>Unmaps what is of a folder; null: all.</summary>
    /// <returns>Whether there was some.</returns>
    public static bool LetGo(string? directory) => Unmap(kept => directory is null || System.IO.Path.GetDirectoryName(kept.Path) == directory);

    private static bool Unmap(Func<KeptMapping, bool> which)
    {
        List<KeptMapping> gone = [];
        lock (s_gate)
        {
            for (var node = s_kept.First; node is not null;)
            {
                var (kept, next) = (node.Value, node.Next);
                if (which(kept))
                {
                    s_kept.Remove(node);
                    gone.Add(kept);
                }

                node = next;
            }

            if (s_kept.Count == 0)
            {
                s_timer?.Dispose();
                s_timer = null;
            }
        }

        foreach (var kept in gone)
        {
            _ = Libc.Unmap(kept.Address, (nint)kept.Range);
            kept.File.Dispose();
        }

        return gone.Count > 0;
    }
}
