using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Runs;

internal sealed partial class RunGrain
{
    [LoggerMessage(Level = LogLevel.Information, Message = "Run {Run} of pipeline {Pipeline} {Version} started with {Stages} stages")]
    private partial void LogStarted(string run, string pipeline, string version, int stages);

    [LoggerMessage(Level = LogLevel.Information, Message = "Run {Run} of pipeline {Pipeline} is unfinished and goes on")]
    private partial void LogRecovering(string run, string pipeline);

    [LoggerMessage(Level = LogLevel.Information, Message = "Run {Run} is being cancelled")]
    private partial void LogCancelling(string run);

    [LoggerMessage(Level = LogLevel.Information, Message = "Run {Run} ended: {Status} {Code}")]
    private partial void LogEnded(string run, RunStatus status, string? code);

    [LoggerMessage(Level = LogLevel.Error, Message = "Run {Run}: stage {Stage} could not be started")]
    private partial void LogStageNotStarted(string run, string stage, Exception exception);

    [LoggerMessage(Level = LogLevel.Error, Message = "Run {Run}: its end could not be stored yet")]
    private partial void LogEndNotStored(string run, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Run {Run}: this activation of it does not go on, another one will")]
    private partial void LogSteppedDown(string run, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Run {Run}: its pipeline could not be told")]
    private partial void LogPipelineNotTold(string run, Exception exception);
}
