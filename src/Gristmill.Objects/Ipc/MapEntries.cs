using System.Runtime.CompilerServices;
using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Objects.Ipc;

/// <summary>
/// The entries of map types as they were declared: Arrow's class calls them "entries", "key" and "value" whatever they are called,
/// and forgets their nullability and metadata with the name.
/// </summary>
internal static class MapEntries
{
    private static readonly ConditionalWeakTable<MapType, Field> s_declared = [];

    public static MapType Declare(Field entries, bool keySorted)
    {
        var map = new MapType(entries, keySorted);
        if (!ReferenceEquals(map.Fields[0], entries))
        {
            s_declared.Add(map, entries);
        }

        return map;
    }

    public static Field Of(MapType map) => s_declared.TryGetValue(map, out var entries) ? entries : map.Fields[0];
}
