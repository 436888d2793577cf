using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Gristmill.Storage;

/// <summary>
/// Where a page ended: the phase of the order, the key and the number of the last run. The next page goes on behind that place, so runs that come
/// or go meanwhile move nothing; and it holds what still runs to have taken as long as it had when the first was asked for.
/// </summary>
/// <param name="Phase">Numbers, texts, or neither.</param>
/// <param name="Key">What the run is ordered by: a double or a string.</param>
/// <param name="Run">The run's number.</param>
/// <param name="Now">When the first page was asked for, in milliseconds since 1970.</param>
internal readonly record struct PageToken(int Phase, object Key, long Run, long Now)
{
    private const char Separator = '\n';

    public string Write(RunQuery query)
    {
        var (type, key) = Key is double number ? ("d", number.ToString("R", CultureInfo.InvariantCulture)) : ("t", (string)Key);
        return Base64Url.EncodeToString(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Phase}\n{Run}\n{Now}\n{Mark(query)}\n{type}{key}")));
    }

    public static PageToken? Read(RunQuery query)
    {
        if (query.Page is not { } page)
        {
            return null;
        }

        string[] parts;
        try
        {
            parts = page.Length <= 32_768 ? Encoding.UTF8.GetString(Base64Url.DecodeFromChars(page)).Split(Separator, 5) : [];
        }
        catch (FormatException)
        {
            parts = [];
        }

        if (parts is not [var phase, var run, var now, var mark, ['d' or 't', ..] key]
            || !int.TryParse(phase, NumberStyles.None, CultureInfo.InvariantCulture, out var phaseNumber)
            || !long.TryParse(run, NumberStyles.None, CultureInfo.InvariantCulture, out var runNumber)
            || !long.TryParse(now, NumberStyles.None, CultureInfo.InvariantCulture, out var then)
            || phaseNumber > 2)
        {
            throw Refuse("is not what an earlier page named as its next");
        }

        if (mark != Mark(query))
        {
            throw Refuse("belongs to another question: filter, order or pipeline differ");
        }

        if (key[0] == 't')
        {
            return new PageToken(phaseNumber, key[1..], runNumber, then);
        }

        return double.TryParse(key.AsSpan(1), NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            ? new PageToken(phaseNumber, number, runNumber, then)
            : throw Refuse("is not what an earlier page named as its next");
    }

    private static GristmillException Refuse(string why) =>
        new(ErrorCodes.Invalid, $"The page asked for {why}.", "Take the page token of the answer before, and leave filter, order and pipeline as they were.");

    private static string Mark(RunQuery query) => Convert.ToHexStringLower(
        SHA256.HashData(Encoding.UTF8.GetBytes($"{query.Pipeline}\0{query.Filter}\0{query.Order}\0{query.Before}")).AsSpan(0, 8));
}
