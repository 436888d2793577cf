using System.Collections.Concurrent;
using System.Globalization;
using Apache.Arrow;

namespace Gristmill.Objects.Ipc;

/// <summary>
/// Schemas of the store's own segments by their fingerprint: decoding one costs most of what opening a segment does. What other
/// programs send is not looked up here: it may claim any fingerprint.
/// </summary>
internal static class SchemaCache
{
    // A process meets few schemas; one that meets more begins anew.
    private const int Most = 256;

    private static readonly ConcurrentDictionary<string, (Schema Schema, FieldNode[] Nodes)> s_known = new(StringComparer.Ordinal);
    private static readonly ConcurrentDictionary<ulong, string> s_texts = [];

    /// <summary>A fingerprint as text, if it is one of a known schema.</summary>
    public static string? Fingerprint(ulong number) => s_texts.GetValueOrDefault(number);

    public static bool TryGet(string fingerprint, out (Schema Schema, FieldNode[] Nodes) known) => s_known.TryGetValue(fingerprint, out known);

    public static void Add(string fingerprint, (Schema Schema, FieldNode[] Nodes) decoded)
    {
        if (s_known.Count >= Most)
        {
            s_known.Clear();
            s_texts.Clear();
        }

        s_known[fingerprint] = decoded;
        s_texts[ulong.Parse(fingerprint, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)] = fingerprint;
    }
}
