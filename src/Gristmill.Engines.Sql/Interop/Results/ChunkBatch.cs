using DuckDB.NET.Native;

namespace Gristmill.Engines.Sql.Interop;

/// <summary>Chunks of a result, kept alive until they are written.</summary>
internal sealed class ChunkBatch : IDisposable
{
    private readonly List<DuckDBDataChunk> _chunks = [];
    private readonly List<VectorSlice[]> _slices = [];

    public int Rows { get; private set; }

    /// <summary>Bytes of its values, roughly.</summary>
    public long Bytes { get; private set; }

    public int Add(DuckDBDataChunk chunk, ColumnWriter[] columns)
    {
        _chunks.Add(chunk);
        var count = (int)NativeMethods.DataChunks.DuckDBDataChunkGetSize(chunk);
        var slices = new VectorSlice[columns.Length];
        for (var i = 0; i < columns.Length; i++)
        {
            slices[i] = new VectorSlice(NativeMethods.DataChunks.DuckDBDataChunkGetVector(chunk, i), 0, count);
            Bytes += columns[i].Measure(slices[i]);
        }

        _slices.Add(slices);
        Rows += count;
        return count;
    }

    public VectorSlice[] Slices(int column)
    {
        var slices = new VectorSlice[_slices.Count];
        for (var i = 0; i < slices.Length; i++)
        {
            slices[i] = _slices[i][column];
        }

        return slices;
    }

    public void Dispose()
    {
        foreach (var chunk in _chunks)
        {
            chunk.Dispose();
        }

        _chunks.Clear();
    }
}
