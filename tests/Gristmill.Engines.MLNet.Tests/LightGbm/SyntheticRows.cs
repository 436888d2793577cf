using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace Gristmill.Engines.MLNet;

/// <summary>Rows of three features: two numbers and a category, whose code decides as much as the numbers do.</summary>
internal sealed class SyntheticRows
{
    internal const int Width = 3;
    internal const int Categories = 9;

    internal static readonly ImmutableArray<EncodedFeature> Features =
        [new("a number", "a", 0), new("b", "b", 0), new("kind", "kind", Categories)];

    internal SyntheticRows(int rows, int seed, Func<float, float, int, float> label)
    {
        var random = new Random(seed);
        X = new float[rows * Width];
        Y = new float[rows];
        for (var i = 0; i < rows; i++)
        {
            var (a, b, kind) = ((float)random.NextDouble(), (float)random.NextDouble(), random.Next(1, Categories));
            (X[i * Width], X[(i * Width) + 1], X[(i * Width) + 2]) = (a, b, kind);
            Y[i] = label(a, b, kind);
        }
    }

    internal float[] X { get; }

    internal float[] Y { get; }

    internal int Rows => Y.Length;

    internal static float YesIfOdd(float a, float b, int kind) => (kind % 2 == 1) ^ (a + b > 1.6f) ? 1 : 0;

    internal MatrixChunk[] Chunks(int parts = 1)
    {
        var chunks = new MatrixChunk[parts];
        for (var i = 0; i < parts; i++)
        {
            int from = Rows * i / parts, to = Rows * (i + 1) / parts;
            chunks[i] = new MatrixChunk(to - from, Bytes(X.AsMemory(from * Width, (to - from) * Width)), Bytes(Y.AsMemory(from, to - from)));
        }

        return chunks;
    }

    private static ReadOnlyMemory<byte> Bytes(Memory<float> values) => MemoryMarshal.AsBytes(values.Span).ToArray();
}
