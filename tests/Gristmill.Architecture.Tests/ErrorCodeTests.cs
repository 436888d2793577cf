using System.Reflection;

namespace Gristmill.Architecture;

/// <summary>Codes are unique and explained.</summary>
public sealed class ErrorCodeTests
{
    private static readonly string[] s_codes = typeof(ErrorCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (string)field.GetRawConstantValue()!).ToArray();

    [Fact]
    public void Every_code_is_explained_in_the_docs()
    {
        var page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "errors.md"));
        Assert.DoesNotContain(s_codes, code => !page.Contains($"| `{code}` |", StringComparison.Ordinal));
    }

    [Fact]
    public void No_code_is_used_twice() => Assert.Equal(s_codes.Length, s_codes.Distinct().Count());
}
