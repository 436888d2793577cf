namespace Gristmill;

/// <summary>What somebody meant who mistyped a name.</summary>
public static class NearestName
{
    private const int LongestLooked = 64;

    /// <summary>The known name that takes the fewest changes of a letter (Levenshtein), at most a third of its letters; null: none is near.</summary>
    /// <param name="name">What was written.</param>
    /// <param name="known">What could have been.</param>
    public static string? Of(string name, IEnumerable<string> known)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(known);
        if (name.Length > LongestLooked)
        {
            return null;
        }

        return known.Where(k => k.Length <= LongestLooked).Select(k => (Name: k, Distance: Distance(name.ToUpperInvariant(), k.ToUpperInvariant())))
            .Where(k => k.Distance <= Math.Max(1, k.Name.Length / 3))
            .OrderBy(k => k.Distance).ThenBy(k => k.Name, StringComparer.Ordinal)
            .Select(k => k.Name).FirstOrDefault();
    }

    private static int Distance(string a, string b)
    {
        Span<int> row = stackalloc int[LongestLooked + 1];
        for (var j = 0; j <= b.Length; j++)
        {
            row[j] = j;
        }

        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var above = row[j];
                row[j] = Math.Min(Math.Min(above, row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }

        return row[b.Length];
    }
}
