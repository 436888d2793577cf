using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Gristmill.Docs;

/// <summary>A call of mill in a page.</summary>
/// <param name="Page">The page, relative to the checkout.</param>
/// <param name="Line">The line it stands in.</param>
/// <param name="IsCommand">Whether it is a line to type, in a block; otherwise it is named in a text or a table, perhaps with words that stand for others.</param>
/// <param name="Words">What follows "mill".</param>
public sealed partial record ShellLine(string Page, int Line, bool IsCommand, IReadOnlyList<string> Words)
{
    public static IEnumerable<ShellLine> All()
    {
        var root = Repository.Root;
        var pages = Directory.EnumerateFiles(Path.Combine(root, "docs"), "*.md", SearchOption.AllDirectories)
            .Concat(Directory.EnumerateFiles(Path.Combine(root, "client"), "*.md", SearchOption.AllDirectories))
            .Concat(Directory.EnumerateFiles(Path.Combine(root, "silo"), "*.md", SearchOption.AllDirectories))
            .Append(Path.Combine(root, "README.md")).Append(Path.Combine(root, "CONTRIBUTING.md")).Append(Path.Combine(root, "samples", "packaged", "README.md"));
        // The reference is written by the commands themselves.
        return pages.Where(page => !page.StartsWith(Path.Combine(root, "docs", "reference"), StringComparison.Ordinal)).Order(StringComparer.Ordinal).SelectMany(Of);
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Page}:{Line} mill {string.Join(' ', Words)}");

    private static IEnumerable<ShellLine> Of(string path)
    {
        var page = Path.GetRelativePath(Repository.Root, path);
        var (number, isFenced, joined) = (0, false, "");
        foreach (var raw in File.ReadLines(path))
        {
            number++;
            if (raw.TrimStart().StartsWith("```", StringComparison.Ordinal))
            {
                isFenced = !isFenced;
                continue;
            }

            if (isFenced || raw.StartsWith("    ", StringComparison.Ordinal) || joined.Length > 0)
            {
                var line = joined + raw.Trim();
                joined = line.EndsWith('\\') && Command().IsMatch(line) ? line[..^1] : "";
                if (joined.Length == 0 && Command().Match(line) is { Success: true } command)
                {
                    yield return new ShellLine(page, number, true, [.. Split(line[command.Length..])]);
                }

                continue;
            }

            foreach (Match mention in Mention().Matches(raw))
            {
                // "[-f]" may be left out, "a|b" (in a table "a\|b") is one of them.
                var text = Optional().Replace(mention.Groups[1].Value, "");
                var choice = Choice().Match(text);
                foreach (var one in choice.Success ? choice.Value.Split(['|', '\\'], StringSplitOptions.RemoveEmptyEntries) : [""])
                {
                    yield return new ShellLine(page, number, false, [.. Split(choice.Success ? text.Replace(choice.Value, one, StringComparison.Ordinal) : text)]);
                }
            }
        }
    }

    /// <summary>Words as a shell makes them, up to a comment or another command.</summary>
    private static IEnumerable<string> Split(string text)
    {
        var word = new StringBuilder();
        var (quote, isWord) = ('\0', false);
        foreach (var c in text)
        {
            if (quote != '\0')
            {
                if (c == quote)
                {
                    quote = '\0';
                }
                else
                {
                    word.Append(c);
                }
            }
            else if (c is '\'' or '"')
            {
                (quote, isWord) = (c, true);
            }
            else if (c is ' ')
            {
                if (isWord)
                {
                    yield return word.ToString();
                }

                word.Clear();
                isWord = false;
            }
            else if (!isWord && c is '#' or '|' or '&' or ';')
            {
                yield break;
            }
            else
            {
                word.Append(c);
                isWord = true;
            }
        }

        if (isWord)
        {
            yield return word.ToString();
        }
    }

    [GeneratedRegex(@"\A(\$ )?(\./)?mill(?=\s|\z)")]
    private static partial Regex Command();

    [GeneratedRegex(@"[][]|\.\.\.")]
    private static partial Regex Optional();

    [GeneratedRegex(@"[a-z]+(\\?\|[a-z]+)+")]
    private static partial Regex Choice();

    [GeneratedRegex(@"`(?:\./)?mill ([^`]+)`")]
    private static partial Regex Mention();
}
