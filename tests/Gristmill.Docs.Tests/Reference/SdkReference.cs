using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Gristmill.Docs;

/// <summary>docs/reference/sdk.md, from the XML documentation of the SDK's public types.</summary>
internal static partial class SdkReference
{
    private static readonly (string Title, Assembly Assembly)[] s_parts =
    [
        ("Defining and running pipelines", typeof(Pipeline).Assembly),
        ("Programs", typeof(Mill).Assembly),
        ("Stages of one's own", typeof(Engines.StageContext).Assembly),
        ("Data flows", typeof(Data.DataFlow).Assembly),
        ("Tests", typeof(Testing.TestCluster).Assembly),
        ("Hosts", typeof(Hosting.GristmillOptions).Assembly),
    ];

    public static string Write()
    {
        var text = new StringBuilder("# SDK\n\nWritten by `./mill docs` from the XML documentation; editors show the whole of it, parameters and errors too.\n");
        foreach (var (title, assembly) in s_parts)
        {
            var docs = XDocument.Load(Path.ChangeExtension(assembly.Location, ".xml")).Descendants("member").ToDictionary(m => m.Attribute("name")!.Value, StringComparer.Ordinal);
            text.Append(CultureInfo.InvariantCulture, $"\n## {title}\n\nPackage `{assembly.GetName().Name}`.\n");
            foreach (var type in assembly.GetExportedTypes().Where(t => Summary(docs, "T:" + NameOf(t)) is not null).OrderBy(t => t.FullName, StringComparer.Ordinal))
            {
                text.Append(CultureInfo.InvariantCulture, $"\n### {Shown(type)}\n\n{Summary(docs, "T:" + NameOf(type))}\n");
                var rows = Members(type, docs).ToList();
                if (rows.Count > 0)
                {
                    text.Append("\n| member | |\n|---|---|\n").AppendJoin("", rows.Select(row => $"| `{row.Name}` | {row.Summary.Replace("|", "\\|", StringComparison.Ordinal)} |\n"));
                }
            }
        }

        return text.ToString();
    }

    /// <summary>Members with a summary, by name; overloads once, with the first one's words.</summary>
    private static IEnumerable<(string Name, string Summary)> Members(Type type, Dictionary<string, XElement> docs)
    {
        var owner = NameOf(type) + ".";
        return docs.Where(doc => doc.Key[2..].StartsWith(owner, StringComparison.Ordinal) && doc.Key[0] is 'M' or 'P' or 'F' && !Rest(doc.Key).Contains('.', StringComparison.Ordinal))
            .Select(doc => (Name: Rest(doc.Key), Summary: Summary(docs, doc.Key)))
            .Where(member => member.Summary is not null && !member.Name.StartsWith('#') && !member.Name.StartsWith("op_", StringComparison.Ordinal) && IsPublic(type, member.Name))
            .GroupBy(member => member.Name, StringComparer.Ordinal)
            .Select(group => (group.Key, group.First().Summary!)).OrderBy(member => member.Key, StringComparer.Ordinal);

        string Rest(string key) => key[(2 + owner.Length)..].Split('(')[0].Split('`')[0].Split('~')[0];
    }

    private static bool IsPublic(Type type, string member) => type.GetMember(member, BindingFlags.Public | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly)
        .Any(m => !m.IsDefined(typeof(CompilerGeneratedAttribute)));

    private static string NameOf(Type type) => type.FullName!.Replace('+', '.');

    private static string Shown(Type type) => type.Name.Split('`')[0] + (type.IsGenericType ? $"<{string.Join(", ", type.GetGenericArguments().Select(a => a.Name))}>" : "");

    private static string? Summary(Dictionary<string, XElement> docs, string key) =>
        docs.TryGetValue(key, out var member) && member.Element("summary") is { } summary ? Words(summary) : null;

    /// <summary>An element's text, its references as code.</summary>
    public static string Words(XElement element)
    {
        var text = new StringBuilder();
        foreach (var node in element.Nodes())
        {
            text.Append(node switch
            {
                XText plain => plain.Value,
                XElement { Name.LocalName: "see" or "paramref" or "typeparamref" } reference => $"`{(reference.Attribute("cref") ?? reference.Attribute("name") ?? reference.Attribute("langword"))?.Value.Split(':')[^1].Split('(')[0].Split('.')[^1].Split('`')[0]}`",
                XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
                XElement other => Words(other),
                _ => "",
            });
        }

        return Space().Replace(text.ToString(), " ").Trim();
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();
}
