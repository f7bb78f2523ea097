using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Lemma.Tests.Server;

/// <summary>What a server logs, with the exceptions.</summary>
internal sealed class CapturedLog : ILoggerProvider, ILogger
{
    private readonly ConcurrentQueue<string> lines = [];

    /// <summary>The lines so far, those of Lemma alone.</summary>
    public string[] Lines => [.. lines];

    public ILogger CreateLogger(string categoryName) => categoryName.StartsWith("Lemma", StringComparison.Ordinal) ? this : Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance;

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        lines.Enqueue($"{logLevel}: {formatter(state, exception)} {exception}");

    public void Dispose()
    {
    }
}
