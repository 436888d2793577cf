using System.Collections;
using Apache.Arrow;
using Gristmill.Objects.Ipc;

namespace Gristmill.Objects.Mapping;

/// <summary>
/// The batches of a mapped object, each decoded when it is first asked for and then kept: the first row of a large table
/// costs the pages of one batch's metadata, not of all.
/// </summary>
/// <param name="reader">Makes batches; not safe for many threads, so used under a lock.</param>
/// <param name="count">How many there are.</param>
/// <param name="decode">Decodes one of them.</param>
internal sealed class MappedBatches(TableReader reader, int count, Func<TableReader, int, RecordBatch> decode) : IReadOnlyList<RecordBatch>
{
    private readonly Lock _gate = new();
    private readonly RecordBatch?[] _batches = new RecordBatch?[count];

    public int Count => _batches.Length;

    public RecordBatch this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(index);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, _batches.Length);
            if (Volatile.Read(ref _batches[index]) is { } known)
            {
                return known;
            }

            lock (_gate)
            {
                return _batches[index] ??= decode(reader, index);
            }
        }
    }

    public IEnumerator<RecordBatch> GetEnumerator()
    {
        for (int i = 0; i < Count; i++)
        {
            yield return this[i];
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
