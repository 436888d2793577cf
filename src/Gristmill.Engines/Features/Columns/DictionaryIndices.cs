using System.Numerics;
using Apache.Arrow;

namespace Gristmill.Engines.Features;

/// <summary>Reads the indices of a dictionary-encoded column as ints, -1 for null.</summary>
internal static class DictionaryIndices
{
    public static void Read(DictionaryArray array, int start, Span<int> indices)
    {
        if (indices.IsEmpty)
        {
            return;
        }

        switch (array.Indices)
        {
            case Int8Array a: Copy(a.Values.Slice(start, indices.Length), indices); break;
            case Int16Array a: Copy(a.Values.Slice(start, indices.Length), indices); break;
            case Int32Array a: a.Values.Slice(start, indices.Length).CopyTo(indices); break;
            case Int64Array a: Copy(a.Values.Slice(start, indices.Length), indices); break;
            case UInt8Array a: Copy(a.Values.Slice(start, indices.Length), indices); break;
            case UInt16Array a: Copy(a.Values.Slice(start, indices.Length), indices); break;
            case UInt32Array a: Copy(a.Values.Slice(start, indices.Length), indices); break;
            case UInt64Array a: Copy(a.Values.Slice(start, indices.Length), indices); break;
            default: throw new InvalidOperationException($"Dictionary indices of type {array.Indices.Data.DataType.Name}.");
        }

        var valid = new Validity(array.Indices);
        if (!valid.AllValid)
        {
            for (var i = 0; i < indices.Length; i++)
            {
                if (!valid[start + i])
                {
                    indices[i] = -1;
                }
            }
        }
    }

    private static void Copy<T>(ReadOnlySpan<T> source, Span<int> indices)
        where T : struct, IBinaryInteger<T>
    {
        for (var i = 0; i < source.Length; i++)
        {
            indices[i] = int.CreateTruncating(source[i]);
        }
    }
}
