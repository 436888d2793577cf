using System.Globalization;
using System.Reflection;

namespace Gristmill.Worker;

/// <summary>Turns whatever an attempt throws into an error with a stable code.</summary>
internal static class StageErrors
{
    private const int DiskFull = 28; // ENOSPC, which .NET hands on as the HResult of an IOException.
    private const int StackLines = 6;

    /// <summary>The error of a failed attempt.</summary>
    public static GristmillException Describe(Exception exception, StageRequest request)
    {
        var cause = Unwrap(exception);
        var error = cause switch
        {
            GristmillException known => known,
            OutOfMemoryException => new GristmillException(ErrorCodes.WorkerMemory,
                $"Stage '{request.Stage}' ran out of memory{Limit(request)}.",
                "Give the stage more memory, or let it hold less at a time.", cause),
            DllNotFoundException or BadImageFormatException or EntryPointNotFoundException => new GristmillException(ErrorCodes.NativeLibrary,
                $"Stage '{request.Stage}' needs a native library that cannot be loaded: {FirstLine(cause.Message)}",
                "Run 'mill doctor'; it checks the native libraries.", cause),
            IOException { HResult: DiskFull } => new GristmillException(ErrorCodes.StoreFull,
                $"Stage '{request.Stage}': {FirstLine(cause.Message)}", "Free disk or shared memory.", cause),
            _ => Threw(cause, request),
        };
        return error.Error.Details.ContainsKey("stage") ? error : error.With("stage", request.Stage);
    }

    /// <summary>The time limit passed.</summary>
    public static GristmillException TimedOut(StageRequest request) =>
        new GristmillException(ErrorCodes.Timeout,
            string.Create(CultureInfo.InvariantCulture, $"Stage '{request.Stage}' took longer than its limit of {request.Limits.Timeout!.Value.TotalSeconds:0.###} s."),
            "Raise the stage's timeout, or make it faster.").With("stage", request.Stage);

    /// <summary>Memory of its own went above the limit.</summary>
    public static GristmillException OverMemory(StageRequest request, long limit, long peak) =>
        new GristmillException(ErrorCodes.WorkerMemory,
            string.Create(CultureInfo.InvariantCulture, $"Stage '{request.Stage}' took {peak >> 20:N0} MiB of memory, above its limit of {limit >> 20:N0} MiB, and was ended."),
            "Raise the stage's memory limit, or let it hold less at a time. Shared segments do not count.")
            .With("stage", request.Stage).With("limit", limit.ToString(CultureInfo.InvariantCulture)).With("peak", peak.ToString(CultureInfo.InvariantCulture));

    /// <summary>The error of an attempt that gave no sign of life.</summary>
    public static GristmillException Silent(StageRequest request, TimeSpan limit) =>
        new GristmillException(ErrorCodes.HeartbeatTimeout,
            string.Create(CultureInfo.InvariantCulture, $"Stage '{request.Stage}' neither reported progress nor gave a heartbeat for {limit.TotalSeconds:0.###} s, and was ended."),
            "Call Heartbeat or Report more often, or raise the stage's heartbeat timeout.").With("stage", request.Stage);

    private static GristmillException Threw(Exception cause, StageRequest request)
    {
        // torch and ONNX Runtime put a long C++ trace behind the first line.
        var message = FirstLine(cause.Message);
        var own = OwnFrames(cause);
        var error = new GristmillException(ErrorCodes.StageFailed,
            $"Stage '{request.Stage}' threw {cause.GetType().Name}: {message}{(own.Count > 0 ? $" ({own[0]})" : "")}",
            "The error is the stage's own; details hold its stack.", cause)
            .With("exception", cause.GetType().FullName ?? cause.GetType().Name);
        if (Bases(cause.GetType()) is { Length: > 0 } bases)
        {
            // A policy that retries IOException also means what derives from it.
            error.With("exceptionBases", bases);
        }

        return own.Count > 0 ? error.With("stack", string.Join('\n', own)) : error;
    }

    private static string Bases(Type type)
    {
        var names = new List<string>();
        for (var at = type.BaseType; at is not null && at != typeof(Exception) && at != typeof(SystemException) && at != typeof(object); at = at.BaseType)
        {
            names.Add(at.FullName ?? at.Name);
        }

        return string.Join(',', names);
    }

    private static Exception Unwrap(Exception exception) => exception switch
    {
        AggregateException { InnerExceptions.Count: 1 } many => Unwrap(many.InnerExceptions[0]),
        TargetInvocationException { InnerException: { } inner } => Unwrap(inner),
        TypeInitializationException { InnerException: { } inner } => Unwrap(inner),
        _ => exception,
    };

    /// <summary>Stack lines of code that is neither the framework's nor ours, innermost first; all lines where there are none.</summary>
    private static List<string> OwnFrames(Exception exception)
    {
        var lines = (exception.StackTrace ?? "").Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var own = lines.Where(l => l.StartsWith("at ", StringComparison.Ordinal) && !IsForeign(l.AsSpan(3))).Take(StackLines).ToList();
        return own.Count > 0 ? own : [.. lines.Where(l => l.StartsWith("at ", StringComparison.Ordinal)).Take(StackLines)];
    }

    private static bool IsForeign(ReadOnlySpan<char> frame) =>
        frame.StartsWith("System.") || frame.StartsWith("Microsoft.") || frame.StartsWith("InvokeStub_")
        || frame.StartsWith("Gristmill.Worker.StageHost") || frame.StartsWith("Gristmill.Worker.Code")
        || frame.StartsWith("Gristmill.Worker.MethodCall") || frame.StartsWith("TorchSharp.");

    private static string Limit(StageRequest request) =>
        request.Limits.MemoryMiB > 0 ? string.Create(CultureInfo.InvariantCulture, $"; its limit is {request.Limits.MemoryMiB:N0} MiB") : "";

    private static string FirstLine(string message)
    {
        var end = message.AsSpan().IndexOfAny('\r', '\n');
        return end < 0 ? message : message[..end];
    }
}
