namespace Gristmill.Display;

/// <summary>What a program of ours exits with; docs and help texts name them.</summary>
internal static class ExitCodes
{
    /// <summary>Done.</summary>
    public const int Ok = 0;
    /// <summary>The run, or what was asked for, failed.</summary>
    public const int Failed = 1;
    /// <summary>The command line, the definition or the request is wrong.</summary>
    public const int Usage = 2;
    /// <summary>The server cannot be reached, or did not answer in time.</summary>
    public const int Unreachable = 3;
    /// <summary>Cancelled, by Ctrl+C or by somebody else.</summary>
    public const int Cancelled = 130;

    public const string Help = "Exit codes: 0 done, 1 failed, 2 wrong usage or definition, 3 server unreachable, 130 cancelled.";

    public static int Of(RunStatus status) => status switch
    {
        RunStatus.Succeeded => Ok,
        RunStatus.Cancelled => Cancelled,
        _ => Failed,
    };

    public static int Of(Exception exception) => exception switch
    {
        OperationCanceledException => Cancelled,
        GristmillException { Code: ErrorCodes.Unreachable or ErrorCodes.Timeout } => Unreachable,
        GristmillException
        {
            Code: ErrorCodes.Invalid or ErrorCodes.TooLarge or ErrorCodes.NotFound or ErrorCodes.ObjectNotFound or ErrorCodes.Conflict or ErrorCodes.FileNotFound
            or ErrorCodes.IdempotencyKeyReused or ErrorCodes.Cron or ErrorCodes.TimeZone or ErrorCodes.Glob or ErrorCodes.TriggerCycle
            or ErrorCodes.Partition or ErrorCodes.ObjectUnseen or ErrorCodes.StreamProvider or ErrorCodes.SecretMissing or ErrorCodes.UnknownColumn or ErrorCodes.TypeMismatch or ErrorCodes.BadValue
        } => Usage,
        _ => Failed,
    };
}
