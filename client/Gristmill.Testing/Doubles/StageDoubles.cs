namespace Gristmill.Testing;

/// <summary>The doubles of a cluster.</summary>
internal sealed class StageDoubles
{
    private readonly Lock _gate = new();
    private readonly List<StageDouble> _all = [];

    public void Add(StageDouble added)
    {
        lock (_gate)
        {
            _all.Add(added);
        }
    }

    public void Clear()
    {
        lock (_gate)
        {
            _all.Clear();
        }
    }

    /// <summary>The doubles that an attempt meets, in the order of their making.</summary>
    public IReadOnlyList<StageDouble> Of(StageRequest request)
    {
        lock (_gate)
        {
            return [.. _all.Where(d => d.Matches(request))];
        }
    }

    /// <summary>Names that doubles wait for.</summary>
    public IReadOnlyList<string> Names
    {
        get
        {
            lock (_gate)
            {
                return [.. _all.Select(d => d.Stage).OfType<string>().Distinct(StringComparer.Ordinal)];
            }
        }
    }
}
