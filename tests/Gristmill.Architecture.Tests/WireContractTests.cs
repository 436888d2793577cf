using System.Reflection;
using System.Text;

namespace Gristmill.Architecture;

/// <summary>
/// What crosses a call or is stored keeps its aliases and ids: the snapshot may gain lines; a changed or lost line breaks
/// clusters in mid-upgrade and stored state. After an addition, copy wire.actual.txt from the output over wire.txt.
/// </summary>
public sealed class WireContractTests
{
    [Fact]
    public void Stored_and_sent_types_keep_their_shape()
    {
        var actual = Describe(typeof(ObjectRef).Assembly).Concat(Describe(typeof(Grains.GristmillGrainsExtensions).Assembly)).Order(StringComparer.Ordinal).ToArray();
        File.WriteAllLines(Path.Combine(AppContext.BaseDirectory, "wire.actual.txt"), actual);
        var known = File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "wire.txt"));
        Assert.Empty(known.Except(actual));
        Assert.Empty(actual.Except(known));
    }

    [Fact]
    public void Every_serialised_type_and_grain_interface_has_an_alias()
    {
        var types = typeof(ObjectRef).Assembly.GetTypes().Concat(typeof(Grains.GristmillGrainsExtensions).Assembly.GetTypes())
            .Where(type => type.Namespace?.StartsWith("OrleansCodeGen", StringComparison.Ordinal) != true && (type.GetCustomAttribute<GenerateSerializerAttribute>() is not null ||
                (type.IsInterface && typeof(IAddressable).IsAssignableFrom(type))));
        Assert.DoesNotContain(types, type => type.GetCustomAttribute<AliasAttribute>() is null);
    }

    private static IEnumerable<string> Describe(Assembly assembly) =>
        from type in assembly.GetTypes()
        let alias = type.GetCustomAttribute<AliasAttribute>()?.Alias
        where alias is not null
        from line in Lines(type, alias)
        select line;

    private static IEnumerable<string> Lines(Type type, string alias)
    {
        foreach (var member in type.GetMembers(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
        {
            if (member.GetCustomAttribute<IdAttribute>() is { } id)
            {
                var memberType = member is PropertyInfo property ? property.PropertyType : ((FieldInfo)member).FieldType;
                yield return $"{alias} {id.Id} {Name(memberType)}";
            }
            else if (type.IsInterface && member is MethodInfo method)
            {
                var name = method.GetCustomAttribute<AliasAttribute>()?.Alias ?? "(no alias) " + method.Name;
                yield return $"{alias} {name}({string.Join(", ", method.GetParameters().Select(p => Name(p.ParameterType)))})";
            }
        }
    }

    private static string Name(Type type)
    {
        if (type.GetCustomAttribute<AliasAttribute>()?.Alias is { } alias)
        {
            return alias;
        }

        if (!type.IsGenericType)
        {
            return type.Name;
        }

        var text = new StringBuilder(type.Name.AsSpan(0, type.Name.IndexOf('`')).ToString());
        return text.Append('<').AppendJoin(", ", type.GetGenericArguments().Select(Name)).Append('>').ToString();
    }
}
