using System.Globalization;
using System.Reflection.Metadata;
using System.Security.Cryptography;
using System.Text;

namespace Gristmill.Worker;

/// <summary>
/// Digests a method and all that it can reach in the user's assemblies: methods, types, fields, constants. What is reached is
/// written in the order in which the code reaches it, by name; names that the compiler makes up, whose numbers change with
/// unrelated code, are replaced by the place in that order. So a rebuild, comments and what is not reached change nothing.
/// </summary>
/// <remarks>
/// A virtual call reaches the overrides of every type that the code makes, deserialises or names (rapid type analysis: Bacon and
/// Sweeney, 1996). What is found by reflection from a text alone is not seen.
/// </remarks>
internal sealed partial class CodeWalker(CodeModules modules)
{
    private const int MostReached = 200_000;
    private const int DeepestTypes = 256;

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly Dictionary<(CodeModule Module, EntityHandle Handle), int> _order = [];
    private readonly HashSet<(CodeModule Module, EntityHandle Handle)> _reached = [];
    private readonly Queue<Action> _open = new();
    private readonly SortedDictionary<string, string> _libraries = new(StringComparer.Ordinal);
    private readonly Dictionary<CodeModule, (TypeNames Walking, TypeNames Making, TypeNames Plain)> _names = [];
    private (CodeModule Module, MethodDefinitionHandle Handle) _entry;
    private string? _doubt;

    /// <summary>Walks from a stage's method.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.CodeLoad"/>: there is no such method.</exception>
    public CodeDigest Walk(CodeCallOptions options)
    {
        var module = modules.Entry;
        var method = Find(module, options);
        _entry = (module, method);
        Write("stage 1");
        if (module.Find("<Module>") is { } all)
        {
            Touch(module, all);
        }

        // Arguments are deserialised into these types, and the result is read from them.
        Write(Signature(Decode(module, module.Metadata.GetMethodDefinition(method), Names(module).Making)));
        Write(Reach(module, method));
        while (_open.TryDequeue(out var next))
        {
            if (_reached.Count > MostReached)
            {
                throw new GristmillException(ErrorCodes.CodeLoad, $"'{options.Type}.{options.Method}' reaches more than {MostReached} members.");
            }

            next();
        }

        return new CodeDigest(Convert.ToHexStringLower(_hash.GetHashAndReset())[..32], [.. _libraries.Select(static l => (l.Key, l.Value))], _doubt);
    }

    private static MethodDefinitionHandle Find(CodeModule module, CodeCallOptions options)
    {
        var metadata = module.Metadata;
        var methods = module.Find(options.Type) is { } type
            ? metadata.GetTypeDefinition(type).GetMethods().Where(m => metadata.StringComparer.Equals(metadata.GetMethodDefinition(m).Name, options.Method)).ToList()
            : [];
        if (methods.Count > 1 && options.Signature is { } signature)
        {
            var wanted = signature.Select(static type => type.Split("[[")[0]).ToList();
            methods.ForEach(m => module.Check(metadata.GetMethodDefinition(m).Signature));
            methods = [.. methods.Where(m => metadata.GetMethodDefinition(m).DecodeSignature(ReflectionNames.Of(module), null).ParameterTypes.Select(static type => type.Split("[[")[0]).SequenceEqual(wanted))];
        }

        return methods.Count == 1
            ? methods[0]
            : throw new GristmillException(ErrorCodes.CodeLoad, $"The assembly '{module.Name}' has {methods.Count} methods '{options.Type}.{options.Method}'.");
    }

    /// <summary>Notes that a method, field or type is used, and names it.</summary>
    private string Reach(CodeModule module, EntityHandle handle)
    {
        if (_reached.Add((module, handle)))
        {
            _open.Enqueue(handle.Kind switch
            {
                HandleKind.MethodDefinition => () => WriteMethod(module, (MethodDefinitionHandle)handle),
                HandleKind.FieldDefinition => () => WriteField(module, (FieldDefinitionHandle)handle),
                _ => () => WriteType(module, (TypeDefinitionHandle)handle),
            });
        }

        return Name(module, handle);
    }

    private string Name(CodeModule module, EntityHandle handle)
    {
        var metadata = module.Metadata;
        switch (handle.Kind)
        {
            case HandleKind.MethodDefinition:
                var method = metadata.GetMethodDefinition((MethodDefinitionHandle)handle);
                return $"{Name(module, method.GetDeclaringType())}::{Own(metadata.GetString(method.Name))}";
            case HandleKind.FieldDefinition:
                var field = metadata.GetFieldDefinition((FieldDefinitionHandle)handle);
                // A property's field has the property's name; data of arrays are named after what they hold.
                var name = metadata.GetString(field.Name);
                var owner = Name(module, field.GetDeclaringType());
                return name.EndsWith(">k__BackingField", StringComparison.Ordinal) || owner.EndsWith("<PrivateImplementationDetails>", StringComparison.Ordinal) ? $"{owner}::{name}" : $"{owner}::{Own(name)}";
            default:
                var type = metadata.GetTypeDefinition((TypeDefinitionHandle)handle);
                var simple = metadata.GetString(type.Name);
                var own = simple is "<PrivateImplementationDetails>" or "<Module>" ? simple : Own(simple);
                if (type.GetDeclaringType() is { IsNil: false } outer)
                {
                    return own[0] == '~' ? own : $"{Name(module, outer)}+{own}";
                }

                return $"[{module.Name}]{metadata.GetString(type.Namespace)}.{own}";
        }

        string Own(string name)
        {
            if (name[0] != '<')
            {
                return name;
            }

            _order.TryAdd((module, handle), _order.Count);
            return string.Create(CultureInfo.InvariantCulture, $"~{_order[(module, handle)]}");
        }
    }

    /// <summary>A use of a type's member runs its static constructor.</summary>
    private void Touch(CodeModule module, TypeDefinitionHandle type)
    {
        foreach (var handle in module.Metadata.GetTypeDefinition(type).GetMethods())
        {
            if (module.Metadata.StringComparer.Equals(module.Metadata.GetMethodDefinition(handle).Name, ".cctor"))
            {
                Reach(module, handle);
            }
        }
    }

    /// <summary>Notes that objects of a type exist.</summary>
    private string Make(CodeModule module, TypeDefinitionHandle type)
    {
        Reach(module, type);
        return Name(module, type);
    }

    private static MethodSignature<string> Decode(CodeModule module, MethodDefinition method, TypeNames types)
    {
        module.Check(method.Signature);
        return method.DecodeSignature(types, null);
    }

    private static string Decode(CodeModule module, FieldDefinition field, TypeNames types)
    {
        module.Check(field.Signature);
        return field.DecodeSignature(types, null);
    }

    private static string Decode(CodeModule module, TypeSpecificationHandle handle, TypeNames types)
    {
        var specification = module.Metadata.GetTypeSpecification(handle);
        module.Check(specification.Signature);
        return specification.DecodeSignature(types, null);
    }

    /// <summary>A type, method or field by its token in the code.</summary>
    private string ReachToken(CodeModule module, EntityHandle handle, bool makes)
    {
        var metadata = module.Metadata;
        var types = makes ? Names(module).Making : Names(module).Walking;
        switch (handle.Kind)
        {
            case HandleKind.TypeDefinition:
                return types.GetTypeFromDefinition(metadata, (TypeDefinitionHandle)handle, 0);
            case HandleKind.TypeReference:
                return types.GetTypeFromReference(metadata, (TypeReferenceHandle)handle, 0);
            case HandleKind.TypeSpecification:
                return Decode(module, (TypeSpecificationHandle)handle, types);
            case HandleKind.MethodDefinition:
                return ReachMember(module, handle, metadata.GetMethodDefinition((MethodDefinitionHandle)handle).GetDeclaringType(), makes);
            case HandleKind.FieldDefinition:
                return ReachMember(module, handle, metadata.GetFieldDefinition((FieldDefinitionHandle)handle).GetDeclaringType(), makes);
            case HandleKind.MethodSpecification:
                var specification = metadata.GetMethodSpecification((MethodSpecificationHandle)handle);
                module.Check(specification.Signature);
                var method = ReachToken(module, specification.Method, makes);
                return $"{method}<{string.Join(',', specification.DecodeSignature(Names(module).Making, null))}>";
            case HandleKind.MemberReference:
                return ReachReference(module, metadata.GetMemberReference((MemberReferenceHandle)handle), makes);
            case HandleKind.StandaloneSignature:
                var standalone = metadata.GetStandaloneSignature((StandaloneSignatureHandle)handle);
                module.Check(standalone.Signature);
                return Signature(standalone.DecodeMethodSignature(types, null));
            default:
                throw new BadImageFormatException($"A token of kind {handle.Kind} stands in code.");
        }
    }

    private string ReachMember(CodeModule module, EntityHandle member, TypeDefinitionHandle type, bool makes)
    {
        Touch(module, type);
        if (makes)
        {
            Make(module, type);
        }

        return Reach(module, member);
    }

    private string ReachReference(CodeModule module, MemberReference reference, bool makes)
    {
        module.Check(reference.Signature);
        var metadata = module.Metadata;
        var name = metadata.GetString(reference.Name);
        // The arguments of a generic type are types of which there are objects.
        var parent = reference.Parent.Kind switch
        {
            HandleKind.TypeSpecification => Decode(module, (TypeSpecificationHandle)reference.Parent, Names(module).Making),
            HandleKind.MethodDefinition => ReachToken(module, reference.Parent, makes),
            HandleKind.ModuleReference => "module",
            _ => ReachToken(module, reference.Parent, makes),
        };
        if (Locate(module, reference.Parent) is { } type && FindMember(type.Module, type.Handle, module, reference, name, 0) is { } found)
        {
            var member = ReachMember(found.Module, found.Handle, found.Type, makes);
            return reference.Parent.Kind == HandleKind.TypeSpecification ? $"{parent} {member}" : member;
        }

        var isMethod = reference.GetKind() == MemberReferenceKind.Method;
        var signature = isMethod ? reference.DecodeMethodSignature(Names(module).Walking, null) : default;
        if (ExternalType(module, reference.Parent) is { } external)
        {
            _doubt ??= CodeDoubts.Of(external, name, isMethod ? signature.ParameterTypes.Length : 0) is { } member
                ? $"its code uses {member}, so that the same arguments may give another result; cache policy 'on' overrules this"
                : null;
        }

        return $"{parent}::{name}{(isMethod ? Signature(signature) : reference.DecodeFieldSignature(Names(module).Walking, null))}";
    }

    private (CodeModule Module, EntityHandle Handle, TypeDefinitionHandle Type)? FindMember(
        CodeModule target, TypeDefinitionHandle type, CodeModule module, MemberReference reference, string name, int depth)
    {
        var metadata = target.Metadata;
        var definition = metadata.GetTypeDefinition(type);
        if (reference.GetKind() == MemberReferenceKind.Field)
        {
            foreach (var handle in definition.GetFields())
            {
                if (metadata.StringComparer.Equals(metadata.GetFieldDefinition(handle).Name, name))
                {
                    return (target, handle, type);
                }
            }
        }
        else
        {
            var wanted = Plain(reference.DecodeMethodSignature(Names(module).Plain, null));
            foreach (var handle in definition.GetMethods())
            {
                var method = metadata.GetMethodDefinition(handle);
                if (metadata.StringComparer.Equals(method.Name, name) && Plain(Decode(target, method, Names(target).Plain)) == wanted)
                {
                    return (target, handle, type);
                }
            }
        }

        // A member may be named by a type that inherits it.
        return depth < DeepestTypes && !definition.BaseType.IsNil && Locate(target, definition.BaseType) is { } parent
            ? FindMember(parent.Module, parent.Handle, module, reference, name, depth + 1)
            : null;

        static string Plain(MethodSignature<string> signature) =>
            $"{signature.GenericParameterCount}{signature.ReturnType}({string.Join(',', signature.ParameterTypes)})";
    }

    /// <summary>Where a type is defined, if in one of the user's assemblies.</summary>
    private (CodeModule Module, TypeDefinitionHandle Handle)? Locate(CodeModule module, EntityHandle type, int depth = 0)
    {
        var metadata = module.Metadata;
        switch (type.Kind)
        {
            case HandleKind.TypeDefinition:
                return (module, (TypeDefinitionHandle)type);
            case HandleKind.TypeReference:
                var (assembly, name) = Scope(module, (TypeReferenceHandle)type);
                return (assembly is null ? module : modules.Find(assembly)) is { } target && target.Find(name) is { } found ? (target, found) : null;
            case HandleKind.TypeSpecification:
                // GENERICINST (CLASS | VALUETYPE) token ...: ECMA-335 II.23.2.14.
                var blob = metadata.GetBlobReader(metadata.GetTypeSpecification((TypeSpecificationHandle)type).Signature);
                return blob.Length > 2 && blob.ReadSignatureTypeCode() == SignatureTypeCode.GenericTypeInstance && blob.ReadByte() is 0x11 or 0x12 && depth < DeepestTypes
                    ? Locate(module, blob.ReadTypeHandle(), depth + 1)
                    : null;
            default:
                return null;
        }
    }

    /// <summary>The assembly, null for this one, and the full name that a reference stands for.</summary>
    private static (string? Assembly, string Name) Scope(CodeModule module, TypeReferenceHandle handle, int depth = 0)
    {
        var metadata = module.Metadata;
        var reference = metadata.GetTypeReference(handle);
        var name = metadata.GetString(reference.Name);
        if (reference.ResolutionScope.Kind == HandleKind.TypeReference)
        {
            var outer = depth < DeepestTypes ? Scope(module, (TypeReferenceHandle)reference.ResolutionScope, depth + 1) : throw new BadImageFormatException($"'{name}' is nested too deeply.");
            return (outer.Assembly, $"{outer.Name}+{name}");
        }

        var space = metadata.GetString(reference.Namespace);
        var assembly = reference.ResolutionScope.Kind == HandleKind.AssemblyReference
            ? metadata.GetString(metadata.GetAssemblyReference((AssemblyReferenceHandle)reference.ResolutionScope).Name)
            : null;
        return (assembly, space.Length == 0 ? name : $"{space}.{name}");
    }

    private static string? ExternalType(CodeModule module, EntityHandle type) => type.Kind == HandleKind.TypeReference ? Scope(module, (TypeReferenceHandle)type).Name : null;

    /// <summary>Names of types in signatures: as they are met, as types of which there are objects, and for comparing alone.</summary>
    private (TypeNames Walking, TypeNames Making, TypeNames Plain) Names(CodeModule module)
    {
        if (!_names.TryGetValue(module, out var names))
        {
            names = _names[module] = (
                new TypeNames(type => Name(module, type), type => Reference(type, static (_, _, name) => name)),
                new TypeNames(type => Make(module, type), type => Reference(type, (target, found, _) => Make(target, found))),
                new TypeNames(module.FullName, type => Scope(module, type).Name));
        }

        return names;

        string Reference(TypeReferenceHandle type, Func<CodeModule, TypeDefinitionHandle, string, string> own)
        {
            if (Locate(module, type) is { } found)
            {
                return own(found.Module, found.Handle, Name(found.Module, found.Handle));
            }

            var (assembly, name) = Scope(module, type);
            if (assembly is not null && !_libraries.ContainsKey(assembly) && modules.VersionOf(assembly) is { } version)
            {
                _libraries[assembly] = version;
            }

            // Which assembly of the framework has a type is the framework's affair.
            return name;
        }
    }

    private static string Signature(MethodSignature<string> signature) => string.Create(CultureInfo.InvariantCulture,
        $"{(signature.Header.IsInstance ? "instance " : "")}`{signature.GenericParameterCount} {signature.ReturnType}({string.Join(',', signature.ParameterTypes)})");

    private void Write(string text)
    {
        // Lengths before texts, so that no two walks give the same bytes.
        Write(Encoding.UTF8.GetBytes(text));
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        Span<byte> length = stackalloc byte[4];
        System.Buffers.Binary.BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
        _hash.AppendData(length);
        _hash.AppendData(bytes);
    }

    private void Write(int number) => Write(number.ToString(CultureInfo.InvariantCulture));
}
