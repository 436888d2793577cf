using System.IO.Hashing;
using Gristmill.Objects.Ipc;
using Gristmill.Objects.Platform;

namespace Gristmill.Objects.Transfer;

/// <summary>
/// A copy of another host's object as it comes in. Pieces are written where they belong in any order, and hashed in their order, while they are in a core's
/// cache; what has been hashed need not come again when a host is lost.
/// </summary>
internal sealed class Replica : IDisposable
{
    private readonly SegmentFile _file;
    private readonly ObjectOffer _offer;
    private readonly XxHash3 _hash = new();
    private readonly Lock _gate = new();
    private readonly Dictionary<long, TaskCompletionSource> _turns = [];

    public Replica(SegmentFile file, ObjectOffer offer)
    {
        _file = file;
        _offer = offer;
        _file.Place(0, offer.Ref.Bytes);
    }

    /// <summary>Whether another host offers the same.</summary>
    public bool Of(ObjectOffer offer) => offer.HashedBytes == _offer.HashedBytes && offer.Ref.Bytes == _offer.Ref.Bytes && offer.Ref.Checksum == _offer.Ref.Checksum;

    /// <summary>All before this position is written and hashed.</summary>
    public long Done { get; private set; }

    /// <summary>Writes a piece, and waits until those before it are hashed.</summary>
    public async ValueTask WriteAsync(long position, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        _file.Write(position, bytes.Span);
        if (Turn(position) is { } turn)
        {
            await turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        // Nobody else has this turn: no lock is held while it hashes.
        int hashed = (int)Math.Clamp(_offer.HashedBytes - position, 0, bytes.Length);
        _hash.Append(bytes.Span[..hashed]);
        TaskCompletionSource? next;
        lock (_gate)
        {
            Done = position + bytes.Length;
            _turns.Remove(Done, out next);
        }

        next?.TrySetResult();
    }

    /// <summary>Forgets who waited for a turn: their host is lost.</summary>
    public void Restart()
    {
        lock (_gate)
        {
            _turns.Clear();
        }
    }

    /// <summary>Compares what came with what was sealed, and gives it its name.</summary>
    /// <param name="isThere">Whether the object has come by another way.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Corrupt"/>: it is not what was sealed.</exception>
    public unsafe void Seal(Func<bool> isThere)
    {
        string actual = Checksum.Show(_hash.GetCurrentHashAsUInt64());
        if (actual != _offer.Ref.Checksum)
        {
            throw Malformed.Because($"object {_offer.Ref.Id} came with checksum {actual}, {_offer.Ref.Checksum} was sealed with it").With("object", _offer.Ref.Id);
        }

        // The checksum ends before the footer, which tells of itself what it must.
        var footer = IpcFile.Parse(_file.At(0), _offer.Ref.Bytes, own: true);
        if (footer.FooterStart != _offer.HashedBytes || footer.Reference(_offer.Ref.Id, _offer.Ref.Bytes, _offer.Ref.Host) != _offer.Ref)
        {
            throw Malformed.Because($"the footer of object {_offer.Ref.Id} came damaged").With("object", _offer.Ref.Id);
        }

        try
        {
            _file.Publish(_offer.Ref.Bytes);
        }
        catch (IOException) when (isThere())
        {
            // Another process brought it at the same time, and what has one id is the same.
        }
    }

    public void Dispose() => _file.Dispose();

    private Task? Turn(long position)
    {
        lock (_gate)
        {
            if (Done == position)
            {
                return null;
            }

            var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _turns[position] = turn;
            return turn.Task;
        }
    }
}
