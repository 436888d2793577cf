using System.Net.Sockets;

namespace Gristmill.Objects.Transfer;

/// <summary>An object that others are reading over the network. It is leased meanwhile: neither spilled nor removed.</summary>
internal sealed class ServedObject : IDisposable
{
    private readonly ObjectLease _lease;
    private readonly FileStream? _file;
    private readonly Lock _gate = new();
    private int _readers;
    private bool _closed;

    public ServedObject(ObjectLease lease, string path)
    {
        _lease = lease;
        if (!lease.IsShared)
        {
            // Its lock, if it takes one, is a reader's, as the lease has it already.
            _file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0, FileOptions.Asynchronous);
        }
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
    public async Task SendAsync(Socket to, long position, int length, CancellationToken cancellationToken)
    {
        if (_file is null)
        {
            byte[] bytes = new byte[length];
            _lease.Copy(position, bytes);
            for (int at = 0; at < length;)
            {
                at += await to.SendAsync(bytes.AsMemory(at), cancellationToken).ConfigureAwait(false);
            }

            return;
        }

        var sending = new TaskCompletionSource<SocketError>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var call = new SocketAsyncEventArgs { SendPacketsElements = [new SendPacketsElement(_file, position, length)] };
        call.Completed += (_, done) => sending.TrySetResult(done.SocketError);
        using var cancelling = cancellationToken.Register(static socket => ((Socket)socket!).Dispose(), to);
        var error = to.SendPacketsAsync(call) ? await sending.Task.ConfigureAwait(false) : call.SocketError;
        if (error != SocketError.Success)
        {
            throw new SocketException((int)error);
        }
    }

    public void Dispose()
    {
        _file?.Dispose();
        _lease.Dispose();
    }
}
