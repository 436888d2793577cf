using System.Buffers.Text;
using System.Text;

namespace Gristmill.Objects.Ipc;

/// <summary>What the store writes into a footer's metadata; other readers of Arrow ignore it.</summary>
internal sealed class SegmentFooter
{
    /// <summary>The key of <see cref="Checksum"/>.</summary>
    public const string ChecksumKey = "gristmill.xxh3";

    /// <summary>The key of <see cref="Fingerprint"/>.</summary>
    public const string FingerprintKey = "gristmill.schema";

    /// <summary>The key of <see cref="Rows"/>.</summary>
    public const string RowsKey = "gristmill.rows";

    /// <summary>The key of <see cref="Owner"/>.</summary>
    public const string OwnerKey = "gristmill.owner";

    /// <summary>The key of <see cref="Created"/>.</summary>
    public const string CreatedKey = "gristmill.created";

    /// <summary>The key of <see cref="Statistics"/>.</summary>
    public const string StatisticsKey = "gristmill.statistics";

    /// <summary>XxHash3 of all bytes before the footer, 16 hexadecimal digits; null if absent.</summary>
    public string? Checksum { get; private init; }

    /// <summary>XxHash3 of the schema message; null if absent.</summary>
    public string? Fingerprint { get; private init; }

    /// <summary>Rows of all batches; null if absent.</summary>
    public long? Rows { get; private init; }

    /// <summary>What made it (<see cref="ObjectOwner"/>); null if unknown.</summary>
    public string? Owner { get; private init; }

    /// <summary>When it was sealed, in milliseconds since 1970; null if absent.</summary>
    public long? Created { get; private init; }

    /// <summary>What the table holds (<see cref="TableStatistics"/>), as JSON; null if that was not computed.</summary>
    public string? Statistics { get; private init; }

    /// <summary>Reads a footer's metadata. Only what is known is made into objects: an object is opened in less time than a dictionary of texts takes.</summary>
    /// <param name="view">The footer.</param>
    /// <param name="root">Its root table.</param>
    /// <param name="schemas">The fingerprint of a schema that is known, as it is kept: then it need not be made again.</param>
    public static SegmentFooter Read(FlatView view, int root, Func<ulong, string?> schemas)
    {
        string? checksum = null, fingerprint = null, owner = null, statistics = null;
        long? rows = null, created = null;
        var (pairs, count) = view.Vector(root, 4, 4, "footer metadata");
        for (int i = 0; i < count; i++)
        {
            int pair = view.Element(pairs, i, "a metadata pair");
            var key = view.Utf8(pair, 0, "a metadata key");
            var value = view.Utf8(pair, 1, "a metadata value");
            if (Ascii.Equals(key, ChecksumKey))
            {
                checksum = Text(value);
            }
            else if (Ascii.Equals(key, FingerprintKey))
            {
                fingerprint = (Utf8Parser.TryParse(value, out ulong number, out int read, 'x') && read == value.Length ? schemas(number) : null) ?? Text(value);
            }
            else if (Ascii.Equals(key, RowsKey))
            {
                rows = Number(value);
            }
            else if (Ascii.Equals(key, OwnerKey))
            {
                owner = Text(value);
            }
            else if (Ascii.Equals(key, StatisticsKey))
            {
                statistics = Text(value);
            }
            else if (Ascii.Equals(key, CreatedKey))
            {
                created = Number(value);
            }
        }

        return new SegmentFooter { Checksum = checksum, Fingerprint = fingerprint, Rows = rows, Owner = owner, Created = created, Statistics = statistics };
    }

    private static string Text(ReadOnlySpan<byte> value) => Encoding.UTF8.GetString(value);

    private static long? Number(ReadOnlySpan<byte> value) =>
        Utf8Parser.TryParse(value, out long number, out int read) && read == value.Length && number >= 0 ? number : null;
}
