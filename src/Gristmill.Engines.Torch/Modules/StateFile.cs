using static TorchSharp.torch;

namespace Gristmill.Engines.Torch;

/// <summary>A module's state_dict in a safetensors file.</summary>
internal static class StateFile
{
    /// <summary>Writes it.</summary>
    public static void Save(nn.Module module, string path)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var writer = new SafeTensorsWriter();
        foreach (var (name, value) in module.state_dict())
        {
            var plain = value.detach().cpu().contiguous();
            writer.Add(name, TypeOf(name, plain.dtype), plain.shape, plain.bytes.ToArray());
        }

        writer.Write(path);
    }

    /// <summary>Reads it into a module of the same shape.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.ModelFormat"/> if a tensor is missing, left over or of another shape or type.</exception>
    public static void Load(nn.Module module, string path)
    {
        using var reader = SafeTensorsReader.Open(path);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var state = module.state_dict();
        if (reader.Entries.Keys.FirstOrDefault(name => !state.ContainsKey(name)) is { } extra)
        {
            throw SafeTensorsReader.Malformed(path, $"the module has no tensor '{extra}'");
        }

        foreach (var (name, target) in state)
        {
            var entry = reader.Require(name, TypeOf(name, target.dtype));
            if (!entry.Shape.AsSpan().SequenceEqual(target.shape))
            {
                throw SafeTensorsReader.Malformed(path, $"its tensor '{name}' is of shape [{string.Join(", ", entry.Shape)}], the module's of [{string.Join(", ", target.shape)}]");
            }

            var value = empty(target.shape, dtype: target.dtype);
            if (entry.Bytes > 0)
            {
                reader.Read(name, value.bytes);
            }

            target.copy_(value);
        }
    }

    private static string TypeOf(string name, ScalarType type) => type switch
    {
        ScalarType.Float64 => "F64",
        ScalarType.Float32 => "F32",
        ScalarType.Float16 => "F16",
        ScalarType.BFloat16 => "BF16",
        ScalarType.Int64 => "I64",
        ScalarType.Int32 => "I32",
        ScalarType.Int16 => "I16",
        ScalarType.Int8 => "I8",
        ScalarType.Byte => "U8",
        ScalarType.Bool => "BOOL",
        _ => throw new GristmillException(ErrorCodes.TypeMismatch, $"The tensor '{name}' is {type}, which safetensors cannot hold."),
    };
}
