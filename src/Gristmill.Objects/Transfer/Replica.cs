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
    private readonly XxHash3 _footer = new();
    private readonly object _turn = new(); // a monitor: it is waited for
    private bool _isGivenUp;

    public Replica(SegmentFile file, ObjectOffer offer)
    {
        _file = file;
        _offer = offer;
        _file.Place(0, offer.Ref.Bytes);
    }

    /// <summary>Whether another host offers the same bytes.</summary>
    public bool Of(ObjectOffer offer) => (offer.HashedBytes, offer.Ref.Bytes, offer.Ref.Checksum, offer.FooterChecksum) == (_offer.HashedBytes, _offer.Ref.Bytes, _offer.Ref.Checksum, _offer.FooterChecksum);

    /// <summary>All before this position is written and hashed.</summary>
    public long Done { get; private set; }

    /// <summary>Writes a piece, and waits until those before it are hashed.</summary>
    /// <exception cref="OperationCanceledException">The attempt was given up meanwhile: those before it do not come.</exception>
    public void Write(long position, ReadOnlySpan<byte> bytes)
    {
        _file.Write(position, bytes);
        lock (_turn)
        {
            while (Done != position)
            {
                if (_isGivenUp)
                {
                    throw new OperationCanceledException();
                }

                Monitor.Wait(_turn);
            }
        }

        // Nobody else has this turn: no lock is held while it hashes.
        int hashed = (int)Math.Clamp(_offer.HashedBytes - position, 0, bytes.Length);
        _hash.Append(bytes[..hashed]);
        _footer.Append(bytes[hashed..]);
        lock (_turn)
        {
            Done = position + bytes.Length;
            Monitor.PulseAll(_turn);
        }
    }

    /// <summary>Begins an attempt.</summary>
    public void Begin() => _isGivenUp = false;

    /// <summary>Ends the waiting of all for what does not come.</summary>
    public void GiveUp()
    {
        lock (_turn)
        {
            _isGivenUp = true;
            Monitor.PulseAll(_turn);
        }
    }

    /// <summary>Compares what came with what was sealed, and gives it its name.</summary>
    /// <param name="isThere">Whether the object has come by another way.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Corrupt"/>: it is not what was sealed.</exception>
    public void Seal(Func<bool> isThere)
    {
        if (Checksum.Show(_hash.GetCurrentHashAsUInt64()) is var actual && actual != _offer.Ref.Checksum)
        {
            throw Malformed.Because($"object {_offer.Ref.Id} came with checksum {actual}, {_offer.Ref.Checksum} was sealed with it").With("object", _offer.Ref.Id);
        }

        if (Checksum.Show(_footer.GetCurrentHashAsUInt64()) != _offer.FooterChecksum)
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
}
