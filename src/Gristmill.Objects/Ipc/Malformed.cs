using System.Diagnostics.CodeAnalysis;

namespace Gristmill.Objects.Ipc;

/// <summary>Makes the one error for bytes that are not what they claim to be.</summary>
internal static class Malformed
{
    public const string Hint =
        "The Arrow data is damaged or was written by a faulty program: write it again, or check it with another Arrow reader.";

    public static GristmillException Because(string what, Exception? inner = null) =>
        new(ErrorCodes.Corrupt, $"Malformed Arrow data: {what}.", Hint, inner);

    [DoesNotReturn]
    public static void Throw(string what) => throw Because(what);
}
