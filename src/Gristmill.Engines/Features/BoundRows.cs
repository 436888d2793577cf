namespace Gristmill.Engines.Features;

/// <summary>An encoder bound to one batch. Safe for many threads.</summary>
internal sealed class BoundRows(BoundTransform[] transforms, int[] offsets, int width)
{
    /// <summary>Encodes rows start .. start + count into a matrix of count rows.</summary>
    public void Encode(int start, int count, Span<float> matrix)
    {
        for (var done = 0; done < count; done += Block.Rows)
        {
            var rows = Math.Min(Block.Rows, count - done);
            var block = matrix.Slice(done * width, rows * width);
            for (var t = 0; t < transforms.Length; t++)
            {
                if (offsets[t] < width)
                {
                    transforms[t].Encode(start + done, rows, block[offsets[t]..], width);
                }
            }
        }
    }
}
