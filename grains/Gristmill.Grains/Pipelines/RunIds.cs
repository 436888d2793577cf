using System.Security.Cryptography;

namespace Gristmill.Grains.Pipelines;

/// <summary>
/// Makes run ids: 10 digits of milliseconds, 2 of a counter, 6 at random, in Crockford's base 32 (lower case). They sort
/// by time; those made by one process never repeat or go backwards, even if its clock does.
/// </summary>
internal static class RunIds
{
    private const string Digits = "0123456789abcdefghjkmnpqrstvwxyz";
    private const int CounterBits = 10;

    private static long s_last;

    public static string Next(TimeProvider time)
    {
        var now = time.GetUtcNow().ToUnixTimeMilliseconds() << CounterBits;
        long last, next;
        do
        {
            last = Interlocked.Read(ref s_last);
            next = Math.Max(now, last + 1);
        }
        while (Interlocked.CompareExchange(ref s_last, next, last) != last);

        return string.Create(18, next, static (text, value) =>
        {
            for (var i = 11; i >= 0; i--)
            {
                text[i] = Digits[(int)(value & 31)];
                value >>= 5;
            }

            RandomNumberGenerator.GetItems(Digits, text[12..]);
        });
    }
}
