using System.Buffers.Binary;
using System.Text;

namespace Gristmill.Engines.Torch.Interop;

/// <summary>Writes a tiny x86-64 Linux shared library whose only function returns a constant.</summary>
/// <remarks>
/// Two segments: read-execute (headers, hash table, symbols, code) and, a page further, read-write (the dynamic section,
/// which older glibc relocates in place). Layout: System V gABI chapters 4 and 5. No section headers: the loader needs
/// none.
/// </remarks>
internal static class ElfConstantLibrary
{
    private const int Page = 0x1000;
    private const int HeaderSize = 64;
    private const int ProgramHeaderSize = 56;
    private const int SymbolSize = 24;

    /// <summary>The library's bytes.</summary>
    /// <param name="soname">Its name.</param>
    /// <param name="function">The exported function: <c>int function(void)</c>.</param>
    /// <param name="value">What it returns.</param>
    public static byte[] Write(string soname, string function, int value)
    {
        var strings = Encoding.ASCII.GetBytes($"\0{function}\0{soname}\0");
        const int hashAt = HeaderSize + (4 * ProgramHeaderSize);
        const int hashSize = 5 * 4; // one bucket, two chain entries
        const int symbolsAt = (hashAt + hashSize + 7) & ~7;
        const int stringsAt = symbolsAt + (2 * SymbolSize);
        var codeAt = (stringsAt + strings.Length + 15) & ~15;
        var codeEnd = codeAt + 6;
        if (codeEnd > Page)
        {
            throw new ArgumentException("The names are too long for one page.", nameof(function));
        }

        const int dynamicSize = 7 * 16;
        var image = new byte[Page + dynamicSize];
        var writer = new Writer(image);

        writer.Bytes([0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        writer.Int16(3); // ET_DYN
        writer.Int16(62); // EM_X86_64
        writer.Int32(1);
        writer.Int64(0); // no entry point
        writer.Int64(HeaderSize);
        writer.Int64(0); // no section headers
        writer.Int32(0);
        writer.Int16(HeaderSize);
        writer.Int16(ProgramHeaderSize);
        writer.Int16(4);
        writer.Int16(64);
        writer.Int16(0);
        writer.Int16(0);
        writer.ProgramHeader(type: 1, flags: 5, offset: 0, size: codeEnd, align: Page); // PT_LOAD r-x
        writer.ProgramHeader(type: 1, flags: 6, offset: Page, size: dynamicSize, align: Page); // PT_LOAD rw-
        writer.ProgramHeader(type: 2, flags: 6, offset: Page, size: dynamicSize, align: 8); // PT_DYNAMIC
        // PT_GNU_STACK rw-: without it the loader assumes that the library needs executable stacks.
        writer.ProgramHeader(type: 0x6474e551, flags: 6, offset: 0, size: 0, align: 16);

        writer.Position = hashAt; // SysV hash with one bucket: every look-up walks the chain, which has one symbol
        foreach (var word in new[] { 1, 2, 1, 0, 0 })
        {
            writer.Int32(word);
        }

        writer.Position = symbolsAt + SymbolSize; // the first symbol is the null symbol
        writer.Int32(1); // name: at offset 1 of the strings
        writer.Bytes([0x12, 0]); // STB_GLOBAL, STT_FUNC; default visibility
        writer.Int16(1); // any section but "undefined"
        writer.Int64(codeAt);
        writer.Int64(6);
        writer.Bytes(strings);

        writer.Position = codeAt;
        writer.Bytes([0xb8]); // mov eax, imm32
        writer.Int32(value);
        writer.Bytes([0xc3]); // ret

        writer.Position = Page;
        writer.Dynamic(14, 1 + function.Length + 1); // DT_SONAME
        writer.Dynamic(4, hashAt); // DT_HASH
        writer.Dynamic(5, stringsAt); // DT_STRTAB
        writer.Dynamic(6, symbolsAt); // DT_SYMTAB
        writer.Dynamic(10, strings.Length); // DT_STRSZ
        writer.Dynamic(11, SymbolSize); // DT_SYMENT
        writer.Dynamic(0, 0);
        return image;
    }

    private ref struct Writer(Span<byte> image)
    {
        private readonly Span<byte> _image = image;

        public int Position { get; set; }

        public void Bytes(ReadOnlySpan<byte> bytes)
        {
            bytes.CopyTo(_image[Position..]);
            Position += bytes.Length;
        }

        public void Int16(short value)
        {
            BinaryPrimitives.WriteInt16LittleEndian(_image[Position..], value);
            Position += 2;
        }

        public void Int32(int value)
        {
            BinaryPrimitives.WriteInt32LittleEndian(_image[Position..], value);
            Position += 4;
        }

        public void Int64(long value)
        {
            BinaryPrimitives.WriteInt64LittleEndian(_image[Position..], value);
            Position += 8;
        }

        public void ProgramHeader(int type, int flags, long offset, long size, long align)
        {
            Int32(type);
            Int32(flags);
            Int64(offset);
            Int64(offset); // virtual address
            Int64(offset); // physical address
            Int64(size);
            Int64(size);
            Int64(align);
        }

        public void Dynamic(long tag, long value)
        {
            Int64(tag);
            Int64(value);
        }
    }
}
