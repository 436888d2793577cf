using System.Globalization;
using System.Reflection;
using System.Xml.Linq;
using Gristmill.Hosting;

namespace Gristmill.Docs;

/// <summary>The table of docs/errors.md: from the XML documentation of the codes what they mean and what to do, from the REST door their status.</summary>
internal static class ErrorReference
{
    private const string Head = "| code | HTTP | what it means | what to do |\n|---|---|---|---|\n";

    /// <summary>Codes that no server answers with.</summary>
    private static readonly string[] s_local = [ErrorCodes.DataFolderInUse, ErrorCodes.Unreachable];

    /// <summary>The page with its table as the code has it.</summary>
    public static string Write(string page)
    {
        var start = page.IndexOf(Head, StringComparison.Ordinal) + Head.Length;
        return page[..start] + string.Concat(Rows()) + page[page.IndexOf("\n\n", start, StringComparison.Ordinal)..][1..];
    }

    private static IEnumerable<string> Rows()
    {
        var docs = XDocument.Load(Path.ChangeExtension(typeof(ErrorCodes).Assembly.Location, ".xml")).Descendants("member").ToDictionary(member => member.Attribute("name")!.Value, StringComparer.Ordinal);
        foreach (var field in typeof(ErrorCodes).GetFields(BindingFlags.Public | BindingFlags.Static))
        {
            var code = (string)field.GetRawConstantValue()!;
            var said = docs[$"F:{typeof(ErrorCodes).FullName}.{field.Name}"];
            var status = s_local.Contains(code) ? "-" : Problems.StatusOf(new ErrorInfo(code, "")).ToString(CultureInfo.InvariantCulture);
            yield return $"| `{code}` | {status} | {Cell(said, "summary")} | {Cell(said, "remarks")} |\n";
        }
    }

    private static string Cell(XElement said, string element) => SdkReference.Words(
        said.Element(element) ?? throw new InvalidOperationException($"{said.Attribute("name")!.Value} has no {element}.")).TrimEnd('.').Replace("|", "\\|", StringComparison.Ordinal);
}
