using Apache.Arrow.Types;

namespace Gristmill.Data.Sources.Avro;

/// <summary>A type of a schema, and how it is read.</summary>
/// <param name="Arrow">The type that it becomes.</param>
/// <param name="Width">Bytes that a row takes in Arrow's buffers before anything of variable length.</param>
/// <param name="Least">Bytes that a value takes in the file, at least.</param>
/// <param name="Open">Makes a reader of its own.</param>
internal sealed record AvroType(IArrowType Arrow, long Width, long Least, Func<AvroColumn> Open)
{
    /// <summary>Types in it, with itself.</summary>
    public long Count { get; init; } = 1;

    /// <summary>How deep types are in each other.</summary>
    public int Depth { get; init; } = 1;
}
