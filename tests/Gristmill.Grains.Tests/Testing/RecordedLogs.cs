using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Gristmill.Grains.Testing;

/// <summary>Keeps what our own classes log.</summary>
internal sealed class RecordedLogs : ILoggerProvider
{
    public ConcurrentQueue<string> Lines { get; } = [];

    public ILogger CreateLogger(string categoryName) => new Recorder(categoryName.StartsWith("Gristmill.", StringComparison.Ordinal) ? Lines : null);

    public void Dispose()
    {
    }

    private sealed class Recorder(ConcurrentQueue<string>? lines) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => lines is not null;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            lines?.Enqueue($"{formatter(state, exception)} {exception}");
    }
}
