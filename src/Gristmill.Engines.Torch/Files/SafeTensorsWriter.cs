using System.Buffers;
using System.Buffers.Binary;
using System.Text.Json;

namespace Gristmill.Engines.Torch;

/// <summary>Writes safetensors files; <see cref="SafeTensorsReader"/> describes the format.</summary>
public sealed class SafeTensorsWriter
{
    private readonly List<(SafeTensorsEntry Entry, ReadOnlyMemory<byte> Data)> _tensors = [];
    private readonly SortedDictionary<string, string> _metadata = new(StringComparer.Ordinal) { ["format"] = "pt" };

    /// <summary>Adds a tensor; its memory is read by <see cref="Write"/>.</summary>
    /// <param name="name">A name not added yet.</param>
    /// <param name="type">Element type: F64, F32, F16, BF16, I64, I32, I16, I8, U8 or BOOL.</param>
    /// <param name="shape">Sizes, row-major.</param>
    /// <param name="data">The elements, little-endian.</param>
    public void Add(string name, string type, ReadOnlySpan<long> shape, ReadOnlyMemory<byte> data)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        var entry = new SafeTensorsEntry(name, type, [.. shape]);
        if (SafeTensorsEntry.SizeOf(type) == 0 || entry.Bytes != data.Length)
        {
            throw new ArgumentException($"{type} of shape [{string.Join(", ", entry.Shape)}] does not take {data.Length} bytes.", nameof(data));
        }

        if (name == "__metadata__" || _tensors.Any(t => t.Entry.Name == name))
        {
            throw new ArgumentException($"The name '{name}' is taken.", nameof(name));
        }

        _tensors.Add((entry, data));
    }

    /// <summary>Adds free text to the header.</summary>
    public void AddMetadata(string name, string value) => _metadata[name] = value;

    /// <summary>Writes the file and flushes it to disk.</summary>
    public void Write(string path)
    {
        var header = Header();
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write);
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        file.Write(length);
        file.Write(header);
        foreach (var (_, data) in _tensors)
        {
            file.Write(data.Span);
        }

        file.Flush(flushToDisk: true);
    }

    private ReadOnlySpan<byte> Header()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            foreach (var (name, value) in _metadata)
            {
                json.WriteString(name, value);
            }

            json.WriteEndObject();
            var offset = 0L;
            foreach (var (entry, _) in _tensors)
            {
                json.WriteStartObject(entry.Name);
                json.WriteString("dtype", entry.Type);
                json.WriteStartArray("shape");
                foreach (var size in entry.Shape)
                {
                    json.WriteNumberValue(size);
                }

                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset += entry.Bytes);
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        // Data begins at a multiple of 8, so that any tensor can be used where it lies in a mapping.
        buffer.Write("       "u8[..((8 - (buffer.WrittenCount % 8)) % 8)]);
        return buffer.WrittenSpan;
    }
}
