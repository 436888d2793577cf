using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Gristmill.Engines.MLNet;

/// <summary>
/// Routes LightGBM's log lines of the calling thread to a receiver instead of standard output. The library keeps its
/// callback per thread, and hands one line over in several pieces.
/// </summary>
internal sealed unsafe class LightGbmLog : IDisposable
{
    [ThreadStatic]
    private static LightGbmLog? t_current;

    private readonly Action<string> _receive;
    private readonly StringBuilder _line = new();
    private readonly LightGbmLog? _outer;

    private LightGbmLog(Action<string> receive)
    {
        _receive = receive;
        _outer = t_current;
    }

    /// <summary>Starts routing on this thread until disposed on it.</summary>
    internal static LightGbmLog Route(Action<string> receive)
    {
        LightGbmNative.EnsureLoaded();
        var log = new LightGbmLog(receive);
        t_current = log;
        LightGbmNative.Check(LightGbmNative.LGBM_RegisterLogCallback(&OnMessage), ErrorCodes.Internal, "registering the log");
        return log;
    }

    public void Dispose() => t_current = _outer;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnMessage(byte* text)
    {
        if (t_current is not { } log || Marshal.PtrToStringUTF8((nint)text) is not { } piece)
        {
            return;
        }

        log._line.Append(piece);
        if (piece.EndsWith('\n'))
        {
            var line = log._line.ToString().Trim();
            log._line.Clear();
            try
            {
                log._receive(line);
            }
#pragma warning disable CA1031 // An exception must not unwind through native frames.
            catch (Exception)
#pragma warning restore CA1031
            {
            }
        }
    }
}
