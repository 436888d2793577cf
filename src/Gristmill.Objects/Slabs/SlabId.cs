using System.Globalization;

namespace Gristmill.Objects.Slabs;

/// <summary>
/// Ids of objects that share a segment say where they are, so that no process needs a directory of them: 24 digits name the slab, 8 are the
/// object's position in units of 64 bytes. Their version digit is 8, which RFC 9562 leaves to applications; ids of objects with segments of their own
/// are random (version 4).
/// </summary>
/// <param name="Slab">The slab's name, 24 hexadecimal digits.</param>
/// <param name="Position">Where the object's entry starts, in bytes from the slab's start.</param>
internal readonly record struct SlabId(string Slab, long Position)
{
    private const int NameLength = 24, VersionDigit = 12, Unit = 64;

    /// <summary>A name that no slab had before.</summary>
    public static string NewSlab() => string.Create(NameLength, Guid.NewGuid(), static (name, random) =>
    {
        Span<char> digits = stackalloc char[32];
        random.TryFormat(digits, out _, "N");
        digits[VersionDigit] = '8';
        digits[..NameLength].CopyTo(name);
    });

    /// <summary>Whether a file's name, without its suffix, is that of a slab.</summary>
    public static bool IsSlab(ReadOnlySpan<char> name) => name.Length == NameLength && name[VersionDigit] == '8';

    /// <summary>Where an id of 32 hexadecimal digits says its object is; null if it is no object of a slab.</summary>
    public static SlabId? Of(string id) => id[VersionDigit] == '8' && uint.Parse(id.AsSpan(NameLength), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) is > 0 and var unit
        ? new SlabId(id[..NameLength], unit * (long)Unit)
        : null;

    /// <summary>The id of the object.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Slab}{(uint)(Position / Unit):x8}");
}
