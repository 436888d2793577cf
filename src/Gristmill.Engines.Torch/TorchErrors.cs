using System.Runtime.InteropServices;

namespace Gristmill.Engines.Torch;

/// <summary>Turns libtorch's errors into ours.</summary>
public static class TorchErrors
{
    /// <summary>The first line of a libtorch message: what follows is its C++ stack.</summary>
    public static string FirstLine(string message)
    {
        var end = message.AsSpan().IndexOfAny('\r', '\n');
        return end < 0 ? message : message[..end];
    }

    /// <summary>Runs code that calls torch; an error of libtorch becomes <see cref="ErrorCodes.StageFailed"/> with its first line.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.StageFailed"/>.</exception>
    public static T Guard<T>(Func<T> body)
    {
        try
        {
            return body();
        }
        catch (ExternalException e)
        {
            throw Of(e.Message, e);
        }
    }

    internal static GristmillException Of(string message, Exception? inner = null) =>
        new(ErrorCodes.StageFailed, $"torch: {FirstLine(message)}", "Check shapes and types of the tensors, and that there is enough memory.", inner);
}
