using System.Globalization;
using System.Text;

namespace Gristmill.Data.Planning;

/// <summary>Describes how a flow is executed.</summary>
internal static class FlowPlan
{
    public static string Describe(FlowNode node, FlowOptions options)
    {
        var text = new StringBuilder();
        Write(node, options, text, 0);
        return text.ToString().TrimEnd();
    }

    private static void Write(FlowNode node, FlowOptions options, StringBuilder text, int depth)
    {
        var together = new List<FlowNode> { node };
        if (node.IsSql(options.BaseDirectory))
        {
            Gather(node, at => at.IsSql(options.BaseDirectory), together);
        }
        else if (node is RowsNode or BlocksNode)
        {
            Gather(node, static at => at is RowsNode or BlocksNode, together);
        }

        // What is read first stands first.
        foreach (var input in together.SelectMany(static step => step.Inputs).Where(input => !together.Contains(input)))
        {
            Write(input, options, text, depth + 1);
        }

        var who = node.IsSql(options.BaseDirectory) ? "DuckDB" : node is RowsNode or BlocksNode ? string.Create(CultureInfo.InvariantCulture, $"C#, {options.Workers} workers") : node is FilesNode ? "file by file" : node is SourceNode ? "database" : "views";
        text.Append(who).Append(": ").AppendJoin("; ", Enumerable.Reverse(together).Select(static step => step.Describe())).Append('\n');
    }

    private static void Gather(FlowNode node, Func<FlowNode, bool> belongs, List<FlowNode> together)
    {
        foreach (var input in node.Inputs.Where(belongs))
        {
            together.Add(input);
            Gather(input, belongs, together);
        }
    }
}
