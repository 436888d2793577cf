using System.Globalization;
using System.Text;

namespace Gristmill;

/// <summary>A small learnable table: far, heavy parcels and those of carrier Snail are late more often.</summary>
internal static class Parcels
{
    public const int Rows = 4_000;

    public static string WriteCsv(string folder)
    {
        string[] carriers = ["Arrow", "Brisk", "Snail"];
        var random = new Random(11);
        var text = new StringBuilder("carrier,distance,weight,late\n");
        for (var i = 0; i < Rows; i++)
        {
            var carrier = random.Next(carriers.Length);
            var (distance, weight) = (random.Next(5, 1500), random.Next(1, 300) / 10.0);
            var odds = -3 + (distance / 400.0) + (weight / 20.0) + (carrier == 2 ? 2 : 0);
            var late = random.NextDouble() < 1 / (1 + Math.Exp(-odds));
            text.Append(CultureInfo.InvariantCulture, $"{carriers[carrier]},{distance},{weight},{(late ? "true" : "false")}\n");
        }

        var path = Path.Combine(folder, "parcels.csv");
        File.WriteAllText(path, text.ToString());
        return path;
    }
}
