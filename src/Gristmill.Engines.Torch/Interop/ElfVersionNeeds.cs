using System.Buffers.Binary;
using System.Text;

namespace Gristmill.Engines.Torch.Interop;

/// <summary>
/// Marks symbol version needs that nothing uses as weak in a 64-bit little-endian ELF library, so that the loader
/// accepts a system whose C++ runtime is older than the compiler that linked it.
/// </summary>
/// <remarks>
/// The linker records a need for GLIBCXX_3.4.32 as soon as a translation unit includes iostream, through
/// <c>std::ios_base_library_init</c>, even if no relocation refers to that symbol. Only such needs are weakened: a
/// version that a relocation does refer to stays strong. Layout: System V gABI, chapter 4; version needs: Linux
/// Standard Base, "Symbol Versioning".
/// </remarks>
internal static class ElfVersionNeeds
{
    private const uint SectionRela = 4;
    private const uint SectionDynSym = 11;
    private const uint SectionVerNeed = 0x6ffffffe;
    private const uint SectionVerSym = 0x6fffffff;
    private const ushort FlagWeak = 2;

    /// <summary>Weakens, in place, unused version needs on one library; returns their names.</summary>
    /// <param name="image">The whole file.</param>
    /// <param name="library">The needed library's name, such as "libstdc++.so.6".</param>
    /// <exception cref="InvalidDataException">The file is not a well-formed library of this kind.</exception>
    public static IReadOnlyList<string> WeakenUnused(Span<byte> image, string library)
    {
        try
        {
            return Weaken(image, library);
        }
        catch (Exception e) when (e is ArgumentException or IndexOutOfRangeException or OverflowException)
        {
            throw new InvalidDataException("not a well-formed 64-bit ELF library", e);
        }
    }

    private static List<string> Weaken(Span<byte> image, string library)
    {
        if (image.Length < 64 || !image[..6].SequenceEqual("\u007fELF\u0002\u0001"u8))
        {
            throw new InvalidDataException("not a 64-bit little-endian ELF file");
        }

        var sections = ReadSections(image);
        var weakened = new List<string>();
        if (Find(sections, SectionVerNeed) is not { } needs)
        {
            return weakened;
        }

        var used = UsedVersions(image, sections);
        var names = sections[needs.Link].Offset;
        var need = needs.Offset;
        while (true)
        {
            var file = Text(image, names + Int32(image, need + 4));
            var aux = need + Int32(image, need + 8);
            while (file == library)
            {
                var index = UInt16(image, aux + 6);
                if (!used.Contains(index))
                {
                    image[aux + 4] |= (byte)FlagWeak;
                    weakened.Add(Text(image, names + Int32(image, aux + 8)));
                }

                var nextAux = Int32(image, aux + 12);
                if (nextAux <= 0)
                {
                    break;
                }

                aux += nextAux;
            }

            var next = Int32(image, need + 12);
            if (next <= 0)
            {
                return weakened;
            }

            need += next;
        }
    }

    /// <summary>Version indexes of all symbols that a relocation refers to.</summary>
    private static HashSet<ushort> UsedVersions(ReadOnlySpan<byte> image, Section[] sections)
    {
        var used = new HashSet<ushort>();
        if (Find(sections, SectionVerSym) is not { } versions || Find(sections, SectionDynSym) is null)
        {
            throw new InvalidDataException("no dynamic symbol versions");
        }

        foreach (var section in sections)
        {
            if (section.Type != SectionRela)
            {
                continue;
            }

            for (var at = section.Offset; at + 24 <= section.Offset + section.Size; at += 24)
            {
                var symbol = (int)(BinaryPrimitives.ReadUInt64LittleEndian(image[(at + 8)..]) >> 32);
                used.Add((ushort)(UInt16(image, versions.Offset + (2 * symbol)) & 0x7fff));
            }
        }

        return used;
    }

    private static Section[] ReadSections(ReadOnlySpan<byte> image)
    {
        var table = checked((int)BinaryPrimitives.ReadInt64LittleEndian(image[0x28..]));
        var size = UInt16(image, 0x3a);
        var sections = new Section[UInt16(image, 0x3c)];
        for (var i = 0; i < sections.Length; i++)
        {
            var at = image[(table + (i * size))..];
            sections[i] = new Section(
                BinaryPrimitives.ReadUInt32LittleEndian(at[4..]),
                checked((int)BinaryPrimitives.ReadInt64LittleEndian(at[24..])),
                checked((int)BinaryPrimitives.ReadInt64LittleEndian(at[32..])),
                BinaryPrimitives.ReadInt32LittleEndian(at[40..]));
        }

        return sections;
    }

    private static Section? Find(Section[] sections, uint type)
    {
        foreach (var section in sections)
        {
            if (section.Type == type)
            {
                return section;
            }
        }

        return null;
    }

    private static int Int32(ReadOnlySpan<byte> image, int at) => BinaryPrimitives.ReadInt32LittleEndian(image[at..]);

    private static ushort UInt16(ReadOnlySpan<byte> image, int at) => BinaryPrimitives.ReadUInt16LittleEndian(image[at..]);

    private static string Text(ReadOnlySpan<byte> image, int at)
    {
        var text = image[at..];
        return Encoding.ASCII.GetString(text[..text.IndexOf((byte)0)]);
    }

    private readonly record struct Section(uint Type, int Offset, int Size, int Link);
}
