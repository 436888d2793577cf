using System.Globalization;

namespace Gristmill.Grains.Runs;

/// <summary>How far a loop is: what of its items is under way, over, failed.</summary>
internal sealed class LoopState
{
    private readonly int[] _remaining;
    private readonly bool[] _admitted;
    private readonly bool[] _failed;
    private readonly bool[] _broken;
    private readonly int _parallelism;
    private int _next;
    private int _inFlight;

    public LoopState(IReadOnlyList<string> items, LoopOptions options, int firstNode, int bodySize)
    {
        Items = items;
        FirstNode = firstNode;
        BodySize = bodySize;
        Allowed = (int)Math.Floor((options.AllowFailures * items.Count) + 1e-9);
        _parallelism = options.Parallelism;
        _remaining = new int[items.Count];
        _admitted = new bool[items.Count];
        _failed = new bool[items.Count];
        _broken = new bool[items.Count];
        Array.Fill(_remaining, bodySize);
    }

    /// <summary>The items as JSON.</summary>
    public IReadOnlyList<string> Items { get; }

    /// <summary>The node of the first stage of item 0; those of an item lie together, item after item.</summary>
    public int FirstNode { get; }

    /// <summary>Nodes an item.</summary>
    public int BodySize { get; }

    /// <summary>Items that may fail.</summary>
    public int Allowed { get; }

    /// <summary>Items that failed or were cancelled so far.</summary>
    public int Failed { get; private set; }

    /// <summary>Items of which a stage failed: those that were only cancelled, as in a run that fails elsewhere, say nothing of the loop.</summary>
    public int Broken { get; private set; }

    /// <summary>Items that are over.</summary>
    public int Over { get; private set; }

    /// <summary>Whether a stage of an item was cancelled though none of that item failed.</summary>
    public bool AnyCancelled { get; set; }

    /// <summary>Whether more failed or were cancelled than may fail.</summary>
    public bool IsDoomed => Failed > Allowed;

    /// <summary>Whether more failed than may, so that the loop has.</summary>
    public bool IsBroken => Broken > Allowed;

    public bool IsOver => Over == Items.Count;

    /// <summary>The error of the first item that failed by itself.</summary>
    public ErrorInfo? FirstError { get; set; }

    /// <summary>When the last of its stages ended.</summary>
    public DateTimeOffset? Ended { get; set; }

    public bool HasFailed(int item) => _failed[item];

    public void Fail(int item, bool cancelled)
    {
        if (!cancelled && !_broken[item])
        {
            _broken[item] = true;
            Broken++;
        }

        if (!_failed[item])
        {
            _failed[item] = true;
            Failed++;
        }
    }

    /// <summary>Notes that a node of an item is over, and returns whether the item is.</summary>
    public bool EndNode(int item)
    {
        if (--_remaining[item] > 0)
        {
            return false;
        }

        Over++;
        _inFlight -= _admitted[item] ? 1 : 0;
        // Seen as over before it was let in, after a recovery: it takes no place.
        _admitted[item] = true;
        return true;
    }

    /// <summary>Lets the next item in, if there is a place for it.</summary>
    public bool TryAdmit(out int item)
    {
        while (_next < Items.Count && (_parallelism == 0 || _inFlight < _parallelism))
        {
            item = _next++;
            if (!_admitted[item])
            {
                _admitted[item] = true;
                _inFlight++;
                return true;
            }
        }

        item = -1;
        return false;
    }

    public StageProgress Progress() => new(
        Items.Count == 0 ? 1 : (double)Over / Items.Count,
        string.Create(CultureInfo.InvariantCulture, $"{Over} of {Items.Count} items{(Failed > 0 ? $", {Failed} failed" : "")}"));
}
