using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Gristmill.Engines.Torch;

public sealed class SafeTensorsReaderTests : IDisposable
{
    private readonly TempStore _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void What_was_written_is_read()
    {
        var path = _temp.File("a.safetensors");
        var writer = new SafeTensorsWriter();
        writer.Add("w", "F32", [2, 3], MemoryMarshal.AsBytes(new float[] { 1, 2, 3, 4, 5, 6 }.AsSpan()).ToArray());
        writer.Add("scalar", "I64", [], BitConverter.GetBytes(7L));
        writer.Add("empty", "U8", [0], Array.Empty<byte>());
        writer.AddMetadata("author", "a test");
        writer.Write(path);

        using var reader = SafeTensorsReader.Open(path);

        Assert.Equal([1f, 2, 3, 4, 5, 6], reader.ReadFloats("w"));
        Assert.Equal([2L, 3], reader.Entries["w"].Shape);
        Assert.Equal("a test", reader.Metadata["author"]);
        var scalar = new byte[8];
        reader.Read("scalar", scalar);
        Assert.Equal(7L, BitConverter.ToInt64(scalar));
        Assert.Equal(0, BinaryPrimitives.ReadInt64LittleEndian(File.ReadAllBytes(path)) % 8);
    }

    [Theory]
    [InlineData("{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 4, "take 8 bytes of 4")]
    [InlineData("{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 12, "take 8 bytes of 12")]
    [InlineData("{\"w\":{\"dtype\":\"F99\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "'F99'")]
    [InlineData("{\"w\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8, "cannot lie")]
    [InlineData("{\"w\":{\"dtype\":\"F32\",\"shape\":[-1,-2],\"data_offsets\":[0,8]}}", 8, "cannot lie")]
    [InlineData("{\"w\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,8]}}", 8, "malformed")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[2,6]}}", 8, "begins at byte 2")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8, "twice")]
    [InlineData("{\"w\":{\"dtype\":\"F32\"}}", 8, "malformed")]
    [InlineData("[1,2,3]", 8, "malformed")]
    [InlineData("not json at all", 8, "malformed")]
    public void A_malformed_header_is_refused_with_its_reason(string header, int data, string reason)
    {
        var path = _temp.File("bad.safetensors");
        var bytes = Encoding.UTF8.GetBytes(header);
        File.WriteAllBytes(path, [.. BitConverter.GetBytes((long)bytes.Length), .. bytes, .. new byte[data]]);

        var error = Assert.Throws<GristmillException>(() => SafeTensorsReader.Open(path));

        Assert.Equal(ErrorCodes.ModelFormat, error.Code);
        Assert.Contains(reason, error.Message);
    }

    [Theory]
    [InlineData(long.MaxValue)]
    [InlineData(-1)]
    [InlineData(1000)]
    public void A_header_length_beyond_the_file_is_refused(long length)
    {
        var path = _temp.File("bad.safetensors");
        File.WriteAllBytes(path, [.. BitConverter.GetBytes(length), .. new byte[100]]);
        Assert.Equal(ErrorCodes.ModelFormat, Assert.Throws<GristmillException>(() => SafeTensorsReader.Open(path)).Code);
    }

    [Fact]
    public void A_missing_or_short_file_is_refused()
    {
        File.WriteAllBytes(_temp.File("short"), [1, 2, 3]);
        Assert.Equal(ErrorCodes.ModelFormat, Assert.Throws<GristmillException>(() => SafeTensorsReader.Open(_temp.File("short"))).Code);
        Assert.Equal(ErrorCodes.ModelFormat, Assert.Throws<GristmillException>(() => SafeTensorsReader.Open(_temp.File("absent"))).Code);
    }

    [Fact]
    public void Weights_that_are_not_finite_are_refused()
    {
        var path = _temp.File("nan.safetensors");
        var writer = new SafeTensorsWriter();
        writer.Add("w", "F32", [1], BitConverter.GetBytes(float.NaN));
        writer.Write(path);
        using var reader = SafeTensorsReader.Open(path);
        Assert.Contains("'w'", Assert.Throws<GristmillException>(() => reader.ReadFloats("w")).Message);
    }
}
