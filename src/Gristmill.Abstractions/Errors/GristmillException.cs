using System.Collections.Immutable;

namespace Gristmill;

/// <summary>An error a person can cause or must act on. It carries a stable code and survives grain calls and the wire.</summary>
[GenerateSerializer, Alias("gristmill.GristmillException")]
public sealed class GristmillException : Exception
{
    /// <summary>Creates the exception from its stored form.</summary>
    public GristmillException(ErrorInfo error) : base(error.Message) => Error = error;

    /// <summary>Creates the exception from its parts.</summary>
    /// <param name="code">One of <see cref="ErrorCodes"/>.</param>
    /// <param name="message">What was wrong, with which value.</param>
    /// <param name="hint">What to do about it.</param>
    /// <param name="inner">The cause, for logs; it does not cross process borders.</param>
    public GristmillException(string code, string message, string? hint = null, Exception? inner = null)
        : base(message, inner) => Error = new ErrorInfo(code, message, hint);

    /// <summary>The error as data.</summary>
    [Id(0)]
    public ErrorInfo Error { get; private set; }

    /// <summary>Shorthand for <c>Error.Code</c>.</summary>
    public string Code => Error.Code;

    /// <summary>Adds one machine-readable detail and returns the exception, for throw expressions.</summary>
    public GristmillException With(string key, string value)
    {
        Error = Error with { Details = (Error.Details ?? ImmutableDictionary<string, string>.Empty).SetItem(key, value) };
        return this;
    }

    /// <summary>The error of any exception: its own if it is a <see cref="GristmillException"/>, else <see cref="ErrorCodes.Internal"/>.</summary>
    public static ErrorInfo Describe(Exception exception) => exception switch
    {
        GristmillException known => known.Error,
        AggregateException { InnerException: { } inner } => Describe(inner),
        OperationCanceledException => new ErrorInfo(ErrorCodes.Cancelled, "The operation was cancelled."),
        _ => new ErrorInfo(ErrorCodes.Internal, $"{exception.GetType().Name}: {exception.Message}"),
    };
}
