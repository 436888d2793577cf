using Gristmill.Objects.Platform;

namespace Gristmill.Objects.Slabs;

/// <summary>The slab that this process fills with its small objects, whichever thread makes them. A full one is left to its readers, and another begun.</summary>
internal sealed unsafe class SlabWriter(ObjectStoreOptions options, StoreBudget budget) : IDisposable
{
    // A process that makes a few objects takes little memory, one that makes many few files.
    private const long FirstBytes = 256 << 10, LargestBytes = 4 << 20;

    private readonly Lock _gate = new();
    private SlabFile? _file;
    private string _name = "";
    private long _position;
    private long _next = FirstBytes;
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
        try
        {
            _file = Create(Math.Max(_next, SlabLayout.Header + room));
            _next = Math.Min(2 * _next, LargestBytes);
        }
        catch (GristmillException e) when (e.Code == ErrorCodes.StoreFull && SlabLayout.Header + room < _next)
        {
            _file = Create(SlabLayout.Header + room); // the last room there is
        }

        _position = SlabLayout.Header;
    }

    private SlabFile Create(long bytes) => SegmentPlatform.Current.CreateSlab(
        Path.Combine(options.Directory, $"{_name}.{Environment.ProcessId}{ObjectStore.BuildingSuffix}"), SlabReader.PathOf(options.Directory, _name), bytes, budget);

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
            SegmentPlatform.Current.RemoveSpentSlab(SlabReader.PathOf(options.Directory, _name));
        }
    }
}
