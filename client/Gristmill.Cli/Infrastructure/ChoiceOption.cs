using System.CommandLine;

namespace Gristmill.Cli.Infrastructure;

/// <summary>An option whose value is one of an enum's names, in lower case.</summary>
internal sealed class ChoiceOption<T> : Option<T?>
    where T : struct, Enum
{
    private static readonly string[] Names = [.. Enum.GetNames<T>().Select(static name => name.ToLowerInvariant())];

    public ChoiceOption(string name)
        : base(name)
    {
        HelpName = name.TrimStart('-').ToUpperInvariant();
        CompletionSources.Add(Names);
        CustomParser = result =>
        {
            var token = result.Tokens[0].Value;
            if (Names.Contains(token, StringComparer.OrdinalIgnoreCase))
            {
                return Enum.Parse<T>(token, ignoreCase: true);
            }

            result.AddError($"'{token}' is not possible for {name}; {string.Join(", ", Names[..^1])} and {Names[^1]} are.");
            return null;
        };
    }
}
