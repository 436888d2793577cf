using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;

namespace Gristmill.Hosting.Rest;

/// <summary>Errors as HTTP answers.</summary>
public sealed partial class ProblemsTests
{
    [Fact]
    public void Every_code_has_the_status_that_the_docs_say()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "docs", "errors.md")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("These tests run inside a checkout.");
        }

        var documented = Row().Matches(File.ReadAllText(Path.Combine(folder.FullName, "docs", "errors.md")))
            .ToDictionary(static row => row.Groups["code"].Value, static row => row.Groups["status"].Value);
        var codes = typeof(ErrorCodes).GetFields(BindingFlags.Public | BindingFlags.Static).Select(static field => (string)field.GetRawConstantValue()!).ToList();

        Assert.Equal(codes.Order(StringComparer.Ordinal), documented.Keys.Order(StringComparer.Ordinal));
        // "-": no server answers with it.
        Assert.All(codes.Where(code => documented[code] != "-"), code =>
            Assert.Equal($"{code} {documented[code]}", string.Create(CultureInfo.InvariantCulture, $"{code} {Problems.StatusOf(new ErrorInfo(code, ""))}")));
    }

    [GeneratedRegex(@"^\| `(?<code>[a-z_.]+)` \| (?<status>\d{3}|-) \|", RegexOptions.Multiline)]
    private static partial Regex Row();
}
