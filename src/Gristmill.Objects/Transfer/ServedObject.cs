using System.Net.Sockets;
using Gristmill.Objects.Platform;
using Microsoft.Win32.SafeHandles;

namespace Gristmill.Objects.Transfer;

/// <summary>An object that others are reading over the network. It is leased meanwhile: neither spilled nor removed.</summary>
internal sealed class ServedObject : IDisposable
{
    private readonly ObjectLease _lease;
    private readonly SafeFileHandle? _file;
    private readonly Lock _gate = new();
    private int _readers;
    private bool _closed;

    public ServedObject(ObjectLease lease, string path)
    {
        _lease = lease;
        _file = lease.IsShared ? null : SegmentPlatform.Current.OpenRead(path);
    }

    public long Length => _lease.Ref.Bytes;

    /// <summary>When it was last asked for, in the clock's ticks.</summary>
    public long Used { get; set; }

    /// <summary>Counts a reader; false if it is closed.</summary>
    public bool Enter()
    {
        lock (_gate)
        {
            _readers += _closed ? 0 : 1;
            return !_closed;
        }
    }

    public void Leave()
    {
        lock (_gate)
        {
            _readers--;
        }
    }

    /// <summary>Closes it unless somebody reads it.</summary>
    public bool TryClose()
    {
        lock (_gate)
        {
            _closed |= _readers == 0;
            return _closed;
        }
    }

    /// <summary>Sends a range: a large object's from its file, which the kernel does without a copy of ours and without mapping a page.</summary>
    public void Send(Socket to, long position, int length)
    {
        if (_file is not null)
        {
            SegmentPlatform.Current.Send(to, _file, position, length);
            return;
        }

        byte[] bytes = new byte[length];
        _lease.Copy(position, bytes);
        for (int at = 0; at < length;)
        {
            at += to.Send(bytes.AsSpan(at));
        }
    }

    public void Dispose()
    {
        _file?.Dispose();
        _lease.Dispose();
    }
}
