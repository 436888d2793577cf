using System.Buffers;
using System.Text.RegularExpressions;
using Gristmill.Data.Sources.Remote;

namespace Gristmill.Data.Sources;

/// <summary>Formats by the endings of names.</summary>
internal static partial class FileFormats
{
    private static readonly SearchValues<char> s_endings = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");

    /// <summary>The format that a name's ending says; null: none, or none that is known.</summary>
    public static FileFormat? Of(string path)
    {
        path = Addresses.FileName(path);
        var packed = Path.GetExtension(path).ToUpperInvariant() is ".GZ" or ".ZST";
        return (packed, Path.GetExtension(packed ? Path.GetFileNameWithoutExtension(path) : path).ToUpperInvariant()) switch
        {
            (false, ".PARQUET" or ".PQ") => FileFormat.Parquet,
            (_, ".CSV" or ".TSV") => FileFormat.Csv,
            (_, ".JSONL" or ".NDJSON") => FileFormat.JsonLines,
            (false, ".ARROW" or ".FEATHER" or ".IPC" or ".ARROWS") => FileFormat.Arrow,
            (false, ".AVRO") => FileFormat.Avro,
            (_, ".TXT" or ".LOG") => FileFormat.Text,
            (false, ".PNG" or ".JPG" or ".JPEG") => FileFormat.Image,
            _ => Idx().IsMatch(path) ? FileFormat.Idx : null,
        };
    }

    /// <summary>What readers go by in a name's end, with its point: the format and how it is packed. Anything but letters and digits is left out.</summary>
    public static string Ending(string path)
    {
        var name = Addresses.FileName(path);
        var last = Clean(Path.GetExtension(name));
        return last.ToUpperInvariant() is ".GZ" or ".ZST" ? Clean(Path.GetExtension(Path.GetFileNameWithoutExtension(name))) + last : last;

        static string Clean(string ending) => ending.Length is > 1 and <= 10 && ending.AsSpan(1).IndexOfAnyExcept(s_endings) < 0 ? ending : "";
    }

    public static GristmillException Unknown(string path) =>
        new GristmillException(ErrorCodes.Invalid, $"The ending of '{Addresses.Show(path)}' does not say which format it has.", "Set the option Format.").With("file", Addresses.Show(path));

    // As in train-images-idx3-ubyte.gz.
    [GeneratedRegex(@"(\.idx|[.-]idx[1-9]-(u?byte|short|int|float|double))(\.gz)?$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Idx();
}
