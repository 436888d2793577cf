using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace Gristmill.Worker;

/// <summary>An assembly as a file: its metadata and code are read, and it is not loaded.</summary>
internal sealed class CodeModule : IDisposable
{
    private const int LongestSignature = 32 << 10;
    private const int DeepestNesting = 64;

    private readonly Dictionary<string, TypeDefinitionHandle> _types = new(StringComparer.Ordinal);

    private CodeModule(string name, PEReader file)
    {
        Name = name;
        File = file;
        Metadata = file.GetMetadataReader();
        foreach (var handle in Metadata.TypeDefinitions)
        {
            _types.TryAdd(FullName(handle), handle);
        }
    }

    public string Name { get; }

    public PEReader File { get; }

    public MetadataReader Metadata { get; }

    /// <summary>The module's id, which a deterministic compiler makes of what it compiled.</summary>
    public Guid Id => Metadata.GetGuid(Metadata.GetModuleDefinition().Mvid);

    /// <exception cref="BadImageFormatException">It is no assembly.</exception>
    public static CodeModule Open(string path)
    {
        var file = new PEReader(System.IO.File.OpenRead(path), PEStreamOptions.PrefetchEntireImage);
        try
        {
            return file.HasMetadata
                ? new CodeModule(Path.GetFileNameWithoutExtension(path), file)
                : throw new BadImageFormatException($"'{Path.GetFileName(path)}' is no .NET assembly.");
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Finds a type by its reflection name.</summary>
    public TypeDefinitionHandle? Find(string fullName) => _types.TryGetValue(fullName, out var handle) ? handle : null;

    /// <summary>A type's reflection name, with '+' before nested ones.</summary>
    /// <exception cref="BadImageFormatException">It is nested in itself.</exception>
    public string FullName(TypeDefinitionHandle handle) => FullName(handle, depth: 0);

    /// <summary>A signature as it may be decoded: how deep that goes, a hostile assembly decides, and by its bytes.</summary>
    /// <exception cref="BadImageFormatException">It is too long.</exception>
    public void Check(BlobHandle signature)
    {
        if (Metadata.GetBlobReader(signature).Length > LongestSignature)
        {
            throw new BadImageFormatException($"'{Name}' has a signature of more than {LongestSignature} bytes.");
        }
    }

    private string FullName(TypeDefinitionHandle handle, int depth)
    {
        var type = Metadata.GetTypeDefinition(handle);
        var name = Metadata.GetString(type.Name);
        if (type.GetDeclaringType() is { IsNil: false } outer)
        {
            return depth < DeepestNesting ? $"{FullName(outer, depth + 1)}+{name}" : throw new BadImageFormatException($"'{name}' is nested too deeply.");
        }

        var space = Metadata.GetString(type.Namespace);
        return space.Length == 0 ? name : $"{space}.{name}";
    }

    public void Dispose() => File.Dispose();
}
