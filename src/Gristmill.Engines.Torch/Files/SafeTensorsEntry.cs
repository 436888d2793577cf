using System.Collections.Immutable;

namespace Gristmill.Engines.Torch;

/// <summary>One tensor of a safetensors file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Element type as the format spells it: F64, F32, F16, BF16, I64, I32, I16, I8, U8 or BOOL.</param>
/// <param name="Shape">Sizes, row-major; empty for a scalar.</param>
public sealed record SafeTensorsEntry(string Name, string Type, ImmutableArray<long> Shape)
{
    internal long Offset { get; init; }

    /// <summary>Length in bytes.</summary>
    public long Bytes => Elements(Shape) * SizeOf(Type);

    internal static long Elements(ImmutableArray<long> shape)
    {
        var elements = 1L;
        foreach (var size in shape)
        {
            elements = checked(elements * size);
        }

        return elements;
    }

    /// <summary>Bytes per element; 0 for a type that is none.</summary>
    internal static int SizeOf(string type) => type switch
    {
        "F64" or "I64" => 8,
        "F32" or "I32" => 4,
        "F16" or "BF16" or "I16" => 2,
        "I8" or "U8" or "BOOL" => 1,
        _ => 0,
    };
}
