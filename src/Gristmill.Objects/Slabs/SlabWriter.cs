using Gristmill.Objects.Platform;
using Gristmill.Objects.Spilling;

namespace Gristmill.Objects.Slabs;

/// <summary>The slab that this process fills with its small objects, whichever thread makes them. A full one is left to its readers, and another begun.</summary>
internal sealed unsafe class SlabWriter(ObjectStoreOptions options, StoreBudget budget, SegmentFiles files) : IDisposable
{
    // A process that makes a few objects takes little memory, one that makes many few files.
    private const long FirstBytes = 256 << 10, LargestBytes = 4 << 20;

    /// <summary>Of the whole store, at most.</summary>
    private const long Share = 64;

    private readonly Lock _gate = new();
    private SlabFile? _file;
    private string _name = "";
    private long _position;
    private readonly long _largest = Math.Clamp(budget.Capacity / Share, 2 * ScratchSegment.Size, LargestBytes);
    private long _next = Math.Min(FirstBytes, Math.Max(budget.Capacity / Share, 2 * ScratchSegment.Size));
    private bool _disposed;

    /// <summary>Copies a whole object in, for all to see.</summary>
    /// <returns>Its id.</returns>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.StoreFull"/></exception>
    public string Append(ReadOnlySpan<byte> image)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            long room = SlabLayout.Room(image.Length);
            if (_file is null || _position + room > _file.Length)
            {
                Begin(room);
            }

            new SlabLayout(_file!.Pointer, _file.Length).Append(_position, image, options.TimeProvider.GetUtcNow());
            var id = new SlabId(_name, _position);
            _position += room;
            return id.ToString();
        }
    }

    /// <summary>Ends the slab.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            End();
        }
    }

    private void Begin(long room)
    {
        End();
        _name = SlabId.NewSlab();
        room += SlabLayout.Header;
        // The second takes the last room there is.
        _file = Create(Math.Max(_next, room), TimeSpan.Zero) ?? Create(room, budget.Patience) ?? throw budget.Full(room);
        _next = Math.Min(2 * _next, _largest);
        _position = SlabLayout.Header;
    }

    private SlabFile? Create(long bytes, TimeSpan patience) => SegmentPlatform.Current.CreateSlab(
        files.InMemory($"{_name}.{Environment.ProcessId}{ObjectStore.BuildingSuffix}"), files.InMemory(SlabReader.FileOf(_name)), bytes, budget, patience);

    private void End()
    {
        if (_file is null)
        {
            return;
        }

        var layout = new SlabLayout(_file.Pointer, _file.Length);
        layout.Close();
        bool spent = layout.IsSpent;
        _file.Trim(_position);
        _file.Dispose();
        _file = null;
        if (spent)
        {
            SegmentPlatform.Current.RemoveSpentSlab(files.Find(SlabReader.FileOf(_name)));
        }
    }
}
