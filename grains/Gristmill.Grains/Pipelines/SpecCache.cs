namespace Gristmill.Grains.Pipelines;

/// <summary>
/// The specs that this silo's runs use, read and parsed once however many runs there are. The least recently used ones go
/// first; a run holds its own for as long as it is active.
/// </summary>
internal sealed class SpecCache(IGrainFactory grains)
{
    /// <summary>Bytes of JSON; parsed it takes some five times as many.</summary>
    private const long Capacity = 16 << 20;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, LinkedListNode<Entry>> _byDigest = new(StringComparer.Ordinal);
    private readonly LinkedList<Entry> _recent = new();
    private long _bytes;

    /// <summary>The spec of a digest.</summary>
    /// <exception cref="GristmillException">It is not stored, or is damaged.</exception>
    public Task<PipelineSpec> GetAsync(BlobRef source)
    {
        ArgumentNullException.ThrowIfNull(source);
        lock (_lock)
        {
            if (_byDigest.TryGetValue(source.Digest, out var node) && !node.Value.Spec.IsFaulted && !node.Value.Spec.IsCanceled)
            {
                _recent.Remove(node);
                _recent.AddFirst(node);
                return node.Value.Spec;
            }

            // Off the grain's scheduler: parsing is not done in a turn, and the reading outlives the grain that began it.
            return Keep(source, Task.Run(() => grains.GetSpecAsync(source)));
        }
    }

    /// <summary>Keeps a spec that somebody has at hand.</summary>
    public void Add(BlobRef source, PipelineSpec spec)
    {
        lock (_lock)
        {
            if (!_byDigest.ContainsKey(source.Digest))
            {
                Keep(source, Task.FromResult(spec));
            }
        }
    }

    private Task<PipelineSpec> Keep(BlobRef source, Task<PipelineSpec> spec)
    {
        if (_byDigest.Remove(source.Digest, out var old))
        {
            _recent.Remove(old);
            _bytes -= old.Value.Bytes;
        }

        _byDigest[source.Digest] = _recent.AddFirst(new Entry(source.Digest, source.Bytes, spec));
        _bytes += source.Bytes;
        while (_bytes > Capacity && _recent.Count > 1)
        {
            var oldest = _recent.Last!;
            _recent.RemoveLast();
            _byDigest.Remove(oldest.Value.Digest);
            _bytes -= oldest.Value.Bytes;
        }

        return spec;
    }

    private readonly record struct Entry(string Digest, long Bytes, Task<PipelineSpec> Spec);
}
