using System.Globalization;

namespace Gristmill.Objects.Fuzzing;

/// <summary>What <c>mill fuzz</c> is told.</summary>
/// <param name="Minutes">How long.</param>
/// <param name="Seed">The first mutant's; the next ones count on.</param>
/// <param name="Corpus">A folder with more files to start from.</param>
/// <param name="Findings">Where mutants go that did what none may.</param>
internal sealed record FuzzOptions(double Minutes, int Seed, string? Corpus, string Findings)
{
    public const string Usage = "mill fuzz [--minutes N] [--seed S] [--corpus DIR] [--findings DIR]";

    /// <summary>Null for arguments that are none.</summary>
    public static FuzzOptions? Parse(ReadOnlySpan<string> arguments)
    {
        var options = new FuzzOptions(5, Random.Shared.Next(1 << 30), null, Path.Combine(Environment.GetEnvironmentVariable("GRISTMILL_HOME") ?? ".", "artifacts", "fuzz"));
        if (arguments.Length % 2 != 0)
        {
            return null;
        }

        for (int i = 0; i < arguments.Length; i += 2)
        {
            string value = arguments[i + 1];
            switch (arguments[i])
            {
                case "--minutes" when double.TryParse(value, CultureInfo.InvariantCulture, out double minutes) && minutes > 0:
                    options = options with { Minutes = minutes };
                    break;
                case "--seed" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int seed):
                    options = options with { Seed = seed };
                    break;
                case "--corpus" when Directory.Exists(value):
                    options = options with { Corpus = value };
                    break;
                case "--findings":
                    options = options with { Findings = value };
                    break;
                default:
                    return null;
            }
        }

        return options;
    }
}
