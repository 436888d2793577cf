using System.CommandLine;
using System.Text.RegularExpressions;
using Gristmill.Cli;
using Spectre.Console;

namespace Gristmill.Docs;

/// <summary>What the pages tell to type is a command, with arguments and options that it has.</summary>
public sealed partial class ShellTests
{
    private static readonly RootCommand s_mill = MillCli.Create(AnsiConsole.Console);

    /// <summary>The launcher of a clone does these by itself.</summary>
    private static readonly HashSet<string> s_launcher = [.. File.ReadLines(Path.Combine(Repository.Root, "mill"))
        .Select(static line => Case().Match(line)).Where(static match => match.Success).Select(static match => match.Groups[1].Value)];

    public static TheoryData<string> All => [.. ShellLine.All().Where(static line => !(line.Words is [var first, ..] && s_launcher.Contains(first))).Select(static line => line.ToString()).Distinct()];

    [Fact]
    public void There_are_lines_to_type_and_commands_that_are_named()
    {
        Assert.True(ShellLine.All().Count(static line => line.IsCommand) > 30);
        Assert.True(ShellLine.All().Count(static line => !line.IsCommand) > 30);
        Assert.Contains("bench", s_launcher);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void It_is_one(string text)
    {
        var line = ShellLine.All().First(candidate => candidate.ToString() == text);
        // "N" stands for a number, "COMMAND" for any of them; what is only named may go without its arguments.
        string[] words = [.. line.Words.Select(word => !line.IsCommand && word is "N" ? "1" : word is "COMMAND" ? "runs" : word)];
        var parsed = s_mill.Parse(words, new ParserConfiguration { ResponseFileTokenReplacer = null });
        var wrong = parsed.UnmatchedTokens.Select(static token => $"there is no '{token}'")
            .Concat(parsed.Errors.Select(static error => error.Message).Where(message => line.IsCommand || message.StartsWith("There is no option", StringComparison.Ordinal)));

        Assert.True(!wrong.Any(), $"{text}: {string.Join("; ", wrong)}");
    }

    [GeneratedRegex(@"\A  ([a-z]+)\)")]
    private static partial Regex Case();
}
