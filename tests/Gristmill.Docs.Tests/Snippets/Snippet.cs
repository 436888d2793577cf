using System.Globalization;

namespace Gristmill.Docs;

/// <summary>A block of C# in a page.</summary>
/// <param name="Page">The page, relative to the checkout.</param>
/// <param name="Line">The line the block begins at.</param>
/// <param name="Code">What it says.</param>
public sealed record Snippet(string Page, int Line, string Code)
{
    public static IEnumerable<Snippet> All()
    {
        var pages = Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.md", SearchOption.AllDirectories)
            .Concat(Directory.EnumerateFiles(Path.Combine(Repository.Root, "client"), "PACKAGE.md", SearchOption.AllDirectories))
            .Concat(Directory.EnumerateFiles(Path.Combine(Repository.Root, "silo"), "PACKAGE.md", SearchOption.AllDirectories))
            .Append(Path.Combine(Repository.Root, "README.md"));
        return pages.Order(StringComparer.Ordinal).SelectMany(Of);
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Page}:{Line}");

    private static IEnumerable<Snippet> Of(string path)
    {
        var page = Path.GetRelativePath(Repository.Root, path);
        List<string>? block = null;
        var (number, start) = (0, 0);
        foreach (var line in File.ReadLines(path))
        {
            number++;
            if (block is null && line.TrimStart() is "```csharp" or "```cs" or "```c#")
            {
                (block, start) = ([], number + 1);
            }
            else if (block is not null && line.TrimStart().StartsWith("```", StringComparison.Ordinal))
            {
                yield return new Snippet(page, start, string.Join('\n', block));
                block = null;
            }
            else
            {
                block?.Add(line);
            }
        }
    }
}
