using System.Reflection;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;

namespace Gristmill.Worker;

// What is written of each thing that is reached.
internal sealed partial class CodeWalker
{
    private void WriteMethod(CodeModule module, MethodDefinitionHandle handle)
    {
        var metadata = module.Metadata;
        var method = metadata.GetMethodDefinition(handle);
        Write($"method {Name(module, handle)}");
        Write((int)(method.Attributes & (MethodAttributes.Static | MethodAttributes.Virtual | MethodAttributes.Abstract | MethodAttributes.PinvokeImpl)));
        Write(Signature(Decode(module, method, Names(module).Walking)));
        // Arguments find their parameters by name, in the stage's method and in what is deserialised; elsewhere names do not matter.
        if ((module, handle) == _entry || metadata.StringComparer.Equals(method.Name, ".ctor"))
        {
            foreach (var parameter in method.GetParameters().Select(metadata.GetParameter).OrderBy(static p => p.SequenceNumber))
            {
                Write(metadata.GetString(parameter.Name));
                Write((int)parameter.Attributes);
                WriteConstant(module, parameter.GetDefaultValue());
            }
        }

        WriteAttributes(module, method.GetCustomAttributes());
        if ((method.Attributes & MethodAttributes.PinvokeImpl) != 0)
        {
            var import = method.GetImport();
            Write($"{metadata.GetString(metadata.GetModuleReference(import.Module).Name)}!{metadata.GetString(import.Name)}");
        }

        if (method.RelativeVirtualAddress != 0)
        {
            WriteBody(module, module.File.GetMethodBody(method.RelativeVirtualAddress));
        }
    }

    private void WriteBody(CodeModule module, MethodBodyBlock body)
    {
        var metadata = module.Metadata;
        if (!body.LocalSignature.IsNil)
        {
            var locals = metadata.GetStandaloneSignature(body.LocalSignature);
            module.Check(locals.Signature);
            foreach (var local in locals.DecodeLocalSignature(Names(module).Walking, null))
            {
                Write(local);
            }
        }

        foreach (var region in body.ExceptionRegions)
        {
            Write($"{region.Kind} {region.TryOffset} {region.TryLength} {region.HandlerOffset} {region.HandlerLength} {region.FilterOffset}");
            Write(region.CatchType.IsNil ? "" : ReachToken(module, region.CatchType, makes: false));
        }

        var reader = new IlReader(body.GetILBytes());
        while (reader.Read())
        {
            Write(reader.OpCode.Value);
            switch (reader.OpCode.OperandType)
            {
                case OperandType.InlineString:
                    Write(metadata.GetUserString((UserStringHandle)MetadataTokens.Handle(reader.Token)));
                    break;
                case OperandType.InlineMethod or OperandType.InlineField or OperandType.InlineType or OperandType.InlineTok or OperandType.InlineSig:
                    Write(ReachToken(module, MetadataTokens.EntityHandle(reader.Token), Makes(reader.OpCode)));
                    break;
                default:
                    Write(reader.Operand);
                    break;
            }
        }
    }

    /// <summary>Whether there are objects of the type from then on, or it is looked into by reflection.</summary>
    private static bool Makes(OpCode opCode) =>
        opCode == OpCodes.Newobj || opCode == OpCodes.Newarr || opCode == OpCodes.Initobj || opCode == OpCodes.Ldtoken || opCode == OpCodes.Box;

    private void WriteField(CodeModule module, FieldDefinitionHandle handle)
    {
        var field = module.Metadata.GetFieldDefinition(handle);
        Write($"field {Name(module, handle)}");
        Write((int)(field.Attributes & (FieldAttributes.Static | FieldAttributes.Literal | FieldAttributes.HasFieldRVA)));
        Write(Decode(module, field, Names(module).Walking));
        WriteConstant(module, field.GetDefaultValue());
        WriteAttributes(module, field.GetCustomAttributes());
    }

    private void WriteType(CodeModule module, TypeDefinitionHandle handle)
    {
        var metadata = module.Metadata;
        var type = metadata.GetTypeDefinition(handle);
        var layout = type.GetLayout();
        Write($"type {Name(module, handle)} {layout.Size} {layout.PackingSize}");
        Write((int)(type.Attributes & (TypeAttributes.Interface | TypeAttributes.Abstract | TypeAttributes.LayoutMask)));
        Touch(module, handle);
        WriteAttributes(module, type.GetCustomAttributes());
        if (!type.BaseType.IsNil)
        {
            Write(ReachToken(module, type.BaseType, makes: true));
        }

        foreach (var implementation in type.GetInterfaceImplementations())
        {
            Write(ReachToken(module, metadata.GetInterfaceImplementation(implementation).Interface, makes: true));
        }

        // What a virtual call may come to, and which interface's method each is.
        foreach (var method in Sorted(module, type.GetMethods().Where(m => (metadata.GetMethodDefinition(m).Attributes & MethodAttributes.Virtual) != 0)))
        {
            Write(Reach(module, method));
        }

        foreach (var implementation in type.GetMethodImplementations().Select(metadata.GetMethodImplementation))
        {
            Write(ReachToken(module, implementation.MethodDeclaration, makes: false));
            Write(ReachToken(module, implementation.MethodBody, makes: false));
        }

        // The compiler's own classes hold what many unrelated methods need: of them only what is used counts.
        var name = metadata.GetString(type.Name);
        if (name[0] != '<' || name.StartsWith("<>f__AnonymousType", StringComparison.Ordinal))
        {
            WriteData(module, type);
        }
    }

    /// <summary>What serialisers and reflection see of a type.</summary>
    private void WriteData(CodeModule module, TypeDefinition type)
    {
        var metadata = module.Metadata;
        foreach (var handle in type.GetFields())
        {
            var field = metadata.GetFieldDefinition(handle);
            if ((field.Attributes & FieldAttributes.Static) == 0 || (field.Attributes & FieldAttributes.Literal) != 0)
            {
                Write(Reach(module, handle));
                Write(Decode(module, field, Names(module).Making));
            }
        }

        foreach (var property in type.GetProperties().Select(metadata.GetPropertyDefinition).OrderBy(p => metadata.GetString(p.Name), StringComparer.Ordinal))
        {
            Write(metadata.GetString(property.Name));
            WriteAttributes(module, property.GetCustomAttributes());
            var accessors = property.GetAccessors();
            foreach (var accessor in new[] { accessors.Getter, accessors.Setter }.Where(static a => !a.IsNil))
            {
                Write(Reach(module, accessor));
            }
        }

        foreach (var constructor in Sorted(module, type.GetMethods().Where(m => metadata.StringComparer.Equals(metadata.GetMethodDefinition(m).Name, ".ctor"))))
        {
            Write(Reach(module, constructor));
        }
    }

    private IEnumerable<MethodDefinitionHandle> Sorted(CodeModule module, IEnumerable<MethodDefinitionHandle> methods) =>
        methods.OrderBy(m => module.Metadata.GetString(module.Metadata.GetMethodDefinition(m).Name), StringComparer.Ordinal)
            .ThenBy(m => Signature(Decode(module, module.Metadata.GetMethodDefinition(m), Names(module).Plain)), StringComparer.Ordinal);

    private void WriteAttributes(CodeModule module, CustomAttributeHandleCollection attributes)
    {
        var metadata = module.Metadata;
        foreach (var attribute in attributes.Select(metadata.GetCustomAttribute))
        {
            var type = attribute.Constructor.Kind == HandleKind.MemberReference
                ? metadata.GetMemberReference((MemberReferenceHandle)attribute.Constructor).Parent
                : metadata.GetMethodDefinition((MethodDefinitionHandle)attribute.Constructor).GetDeclaringType();
            // The compiler's own name what it made up, or say how annotations are packed, which unrelated members decide.
            if (ExternalType(module, type) is { } external && !IsCompilers(external))
            {
                Write(external);
                Write(metadata.GetBlobBytes(attribute.Value));
            }
            else if (Locate(module, type) is { } own && !IsCompilers(own.Module.FullName(own.Handle)))
            {
                Write(ReachToken(module, attribute.Constructor, makes: true));
                Write(metadata.GetBlobBytes(attribute.Value));
            }
        }
    }

    private static bool IsCompilers(string type) =>
        type.StartsWith("System.Runtime.CompilerServices.", StringComparison.Ordinal) || type.StartsWith("System.Diagnostics.", StringComparison.Ordinal)
        || type.StartsWith("Microsoft.CodeAnalysis.", StringComparison.Ordinal);

    private void WriteConstant(CodeModule module, ConstantHandle handle)
    {
        if (!handle.IsNil)
        {
            var constant = module.Metadata.GetConstant(handle);
            Write((int)constant.TypeCode);
            Write(module.Metadata.GetBlobBytes(constant.Value));
        }
    }
}
