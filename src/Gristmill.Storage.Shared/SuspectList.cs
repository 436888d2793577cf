using System.Globalization;

namespace Gristmill.Storage;

/// <summary>Who suspects a silo since when, as text: "silo,ticks|silo,ticks".</summary>
internal static class SuspectList
{
    public static string Format(List<Tuple<SiloAddress, DateTime>>? suspects) => suspects is null
        ? ""
        : string.Join('|', suspects.Select(static s =>
            string.Create(CultureInfo.InvariantCulture, $"{s.Item1.ToParsableString()},{s.Item2.Ticks}")));

    public static List<Tuple<SiloAddress, DateTime>> Parse(string text) => text
        .Split('|', StringSplitOptions.RemoveEmptyEntries)
        .Select(static part =>
        {
            var comma = part.LastIndexOf(',');
            var ticks = long.Parse(part.AsSpan(comma + 1), NumberStyles.None, CultureInfo.InvariantCulture);
            return Tuple.Create(SiloAddress.FromParsableString(part[..comma]), new DateTime(ticks, DateTimeKind.Utc));
        })
        .ToList();
}
