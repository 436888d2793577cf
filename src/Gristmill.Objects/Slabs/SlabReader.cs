using Gristmill.Objects.Mapping;
using Gristmill.Objects.Platform;
using Gristmill.Objects.Spilling;

namespace Gristmill.Objects.Slabs;

/// <summary>
/// The slabs that this process reads, each mapped once, whatever objects of it are leased. A mapping stays for a moment after its last lease, since the next
/// object read is often its neighbour.
/// </summary>
internal sealed class SlabReader(SegmentFiles files, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan s_idle = TimeSpan.FromSeconds(1);
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Mapped> _mapped = new(StringComparer.Ordinal);
    private ITimer? _timer;
    private bool _disposed;

    /// <summary>Leases an object's memory; null if the slab, or the object in it, is not there.</summary>
    public unsafe MappedFile? Open(SlabId id)
    {
        lock (_gate)
        {
            if (!_mapped.TryGetValue(id.Slab, out var slab))
            {
                if (files.Open(FileOf(id.Slab)) is not { } file)
                {
                    return null;
                }

                // All of its pages are there, and many of them are about to be read.
                file.Prefault();
                _mapped.Add(id.Slab, slab = new Mapped(file));
            }

            if (new SlabLayout(slab.File.Pointer, slab.File.Length).Find(id.Position) is not { } entry)
            {
                Idle(slab);
                return null;
            }

            if (slab.File.IsSpilled)
            {
                MappedObject.Verify(slab.File.Pointer + entry.Start, entry.Length, id.ToString());
            }

            slab.Users++;
            return new Slice(this, slab, entry);
        }
    }

    /// <summary>Unmaps what nobody has leased.</summary>
    /// <param name="atLeast">Only what has been so for this long.</param>
    public void Trim(TimeSpan atLeast)
    {
        var spent = new List<string>();
        lock (_gate)
        {
            foreach (var (name, slab) in _mapped)
            {
                if (slab.Users == 0 && time.GetElapsedTime(slab.IdleSince) >= atLeast)
                {
                    _mapped.Remove(name);
                    if (IsSpent(slab.File))
                    {
                        spent.Add(name);
                    }

                    slab.File.Dispose();
                }
            }

            if (_mapped.Values.All(static slab => slab.Users > 0))
            {
                _timer?.Dispose();
                _timer = null;
            }
        }

        spent.ForEach(name => SegmentPlatform.Current.RemoveSpentSlab(files.Find(FileOf(name))));
    }

    /// <summary>Unmaps what nobody has leased; the rest goes with its leases.</summary>
    public void Dispose()
    {
        _disposed = true;
        Trim(TimeSpan.Zero);
    }

    /// <summary>The file of a slab.</summary>
    public static string FileOf(string name) => name + ObjectStore.SlabSuffix;

    private static unsafe bool IsSpent(MappedFile file) => new SlabLayout(file.Pointer, file.Length) is { IsSlab: true, IsSpent: true };

    private void Return(Mapped slab)
    {
        lock (_gate)
        {
            if (--slab.Users == 0)
            {
                Idle(slab);
            }
        }

        if (_disposed)
        {
            Trim(TimeSpan.Zero);
        }
    }

    private void Idle(Mapped slab)
    {
        slab.IdleSince = time.GetTimestamp();
        _timer ??= _disposed ? null : time.CreateTimer(static reader => ((SlabReader)reader!).Trim(s_idle), this, s_idle, s_idle);
    }

    private sealed class Mapped(MappedFile file)
    {
        public MappedFile File => file;

        public int Users { get; set; }

        public long IdleSince { get; set; }
    }

    /// <summary>One object's part of a slab.</summary>
    private sealed unsafe class Slice : MappedFile
    {
        private readonly SlabReader _reader;
        private readonly Mapped _slab;

        public Slice(SlabReader reader, Mapped slab, SlabLayout.Entry entry)
        {
            _reader = reader;
            _slab = slab;
            Pointer = slab.File.Pointer + entry.Start;
            Length = entry.Length;
        }

        public override bool IsPart => true;

        /// <summary>Nothing: it is a few pages.</summary>
        public override void Prefault() { }

        protected override void Release() => _reader.Return(_slab);
    }
}
