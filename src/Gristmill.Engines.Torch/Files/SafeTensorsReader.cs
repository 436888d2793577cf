using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;

namespace Gristmill.Engines.Torch;

/// <summary>
/// Reads safetensors, the published format for named tensors (an 8-byte header length, a JSON header, raw little-endian
/// data). The header is checked whole before any data is read.
/// </summary>
/// <remarks>Format: https://huggingface.co/docs/safetensors, "Format". No code of any kind is in such a file.</remarks>
public sealed class SafeTensorsReader : IDisposable
{
    private const long MaxHeader = 100_000_000;

    private readonly SafeFileHandle _file;
    private readonly Dictionary<string, SafeTensorsEntry> _entries;
    private readonly long _dataStart;
    private readonly string _path;

    private SafeTensorsReader(string path, SafeFileHandle file, Dictionary<string, SafeTensorsEntry> entries, ImmutableDictionary<string, string> metadata, long dataStart)
    {
        _path = path;
        _file = file;
        _entries = entries;
        _dataStart = dataStart;
        Metadata = metadata;
    }

    /// <summary>The tensors by name.</summary>
    public IReadOnlyDictionary<string, SafeTensorsEntry> Entries => _entries;

    /// <summary>The header's free text.</summary>
    public ImmutableDictionary<string, string> Metadata { get; }

    /// <summary>Opens a file and checks its header: sizes, element types, offsets within the file, no overlap and no gap.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.ModelFormat"/> with what is malformed.</exception>
    public static SafeTensorsReader Open(string path)
    {
        SafeFileHandle file;
        try
        {
            file = File.OpenHandle(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Malformed(path, e.Message, e);
        }

        try
        {
            var length = RandomAccess.GetLength(file);
            Span<byte> prefix = stackalloc byte[8];
            if (length < 8 || RandomAccess.Read(file, prefix, 0) != 8)
            {
                throw Malformed(path, "it is shorter than a header");
            }

            var headerLength = BinaryPrimitives.ReadInt64LittleEndian(prefix);
            if (headerLength is < 2 or > MaxHeader || headerLength > length - 8)
            {
                throw Malformed(path, $"its header claims {headerLength} bytes of {length}");
            }

            var header = new byte[headerLength];
            ReadExactly(path, file, header, 8);
            var (entries, metadata) = Parse(path, header, length - 8 - headerLength);
            return new SafeTensorsReader(path, file, entries, metadata, 8 + headerLength);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The entry of a tensor that must be there.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.ModelFormat"/>.</exception>
    public SafeTensorsEntry Require(string name, string type) =>
        !_entries.TryGetValue(name, out var entry) ? throw Malformed(_path, $"it has no tensor '{name}'")
        : entry.Type != type ? throw Malformed(_path, $"its tensor '{name}' is {entry.Type}, not {type}")
        : entry;

    /// <summary>Reads a tensor's bytes.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="target">As long as the tensor.</param>
    public void Read(string name, Span<byte> target)
    {
        var entry = _entries[name];
        ArgumentOutOfRangeException.ThrowIfNotEqual(target.Length, entry.Bytes);
        ReadExactly(_path, _file, target, _dataStart + entry.Offset);
    }

    /// <summary>Reads a tensor of 32-bit floats.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.ModelFormat"/> for another type, and for values that are not finite.</exception>
    public float[] ReadFloats(string name)
    {
        var values = new float[checked((int)SafeTensorsEntry.Elements(Require(name, "F32").Shape))];
        Read(name, MemoryMarshal.AsBytes(values.AsSpan()));
        foreach (var value in values)
        {
            if (!float.IsFinite(value))
            {
                throw Malformed(_path, $"its tensor '{name}' holds a value that is not finite");
            }
        }

        return values;
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    internal static GristmillException Malformed(string path, string what, Exception? inner = null) =>
        new GristmillException(ErrorCodes.ModelFormat, $"The safetensors file {Path.GetFileName(path)} cannot be read: {what}.",
            "Take the package from its source again, or train the model again.", inner).With("file", path);

    private static (Dictionary<string, SafeTensorsEntry>, ImmutableDictionary<string, string>) Parse(string path, byte[] header, long dataLength)
    {
        var entries = new Dictionary<string, SafeTensorsEntry>(StringComparer.Ordinal);
        var metadata = ImmutableDictionary<string, string>.Empty;
        try
        {
            using var json = JsonDocument.Parse(header, new JsonDocumentOptions { MaxDepth = 8 });
            foreach (var property in json.RootElement.EnumerateObject())
            {
                if (property.Name == "__metadata__")
                {
                    metadata = property.Value.EnumerateObject().ToImmutableDictionary(p => p.Name, p => p.Value.GetString() ?? "");
                    continue;
                }

                var entry = Entry(property, path);
                if (!entries.TryAdd(entry.Name, entry))
                {
                    throw Malformed(path, $"its tensor '{entry.Name}' stands there twice");
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or KeyNotFoundException or OverflowException or ArgumentException)
        {
            throw Malformed(path, $"its header is malformed: {e.Message}", e);
        }

        var end = 0L;
        foreach (var entry in entries.Values.OrderBy(e => e.Offset).ThenBy(e => e.Bytes))
        {
            if (entry.Offset != end)
            {
                throw Malformed(path, $"its tensor '{entry.Name}' begins at byte {entry.Offset}, where {end} was due");
            }

            end = checked(end + entry.Bytes);
        }

        return end == dataLength ? (entries, metadata) : throw Malformed(path, $"its tensors take {end} bytes of {dataLength}");
    }

    private static SafeTensorsEntry Entry(JsonProperty property, string path)
    {
        var type = property.Value.GetProperty("dtype").GetString() ?? "";
        ImmutableArray<long> shape = [.. property.Value.GetProperty("shape").EnumerateArray().Select(s => s.GetInt64())];
        var offsets = property.Value.GetProperty("data_offsets");
        var (start, end) = (offsets[0].GetInt64(), offsets[1].GetInt64());
        if (SafeTensorsEntry.SizeOf(type) == 0)
        {
            throw Malformed(path, $"its tensor '{property.Name}' is of type '{type}'");
        }

        var entry = new SafeTensorsEntry(property.Name, type, shape) { Offset = start };
        return shape.All(s => s >= 0) && start >= 0 && offsets.GetArrayLength() == 2 && entry.Bytes == end - start
            ? entry
            : throw Malformed(path, $"its tensor '{property.Name}' of shape [{string.Join(", ", shape)}] cannot lie at bytes {start} to {end}");
    }

    private static void ReadExactly(string path, SafeFileHandle file, Span<byte> target, long offset)
    {
        while (!target.IsEmpty)
        {
            var read = RandomAccess.Read(file, target, offset);
            if (read == 0)
            {
                throw Malformed(path, "it ends too early");
            }

            target = target[read..];
            offset += read;
        }
    }
}
