namespace Gristmill.Objects.Validation;

/// <summary>How far an array is checked.</summary>
internal enum ValidationDepth
{
    /// <summary>Buffer sizes, child lengths and the ends of offsets: constant time, for what this store sealed itself.</summary>
    Structure,

    /// <summary>Also every offset, index, view, union id and run end: no reader can leave a buffer.</summary>
    Values,

    /// <summary>Also UTF-8, null counts and map keys: all that the format promises.</summary>
    Full,
}
