namespace Gristmill.Objects;

/// <summary>How an object stream is written.</summary>
public sealed record ObjectStreamOptions
{
    /// <summary>The most readers a stream can have.</summary>
    public const int MostReaders = 32;

    /// <summary>How many readers it has, 1 to <see cref="MostReaders"/>: each gets every part. A part is deleted when the last of them has read it.</summary>
    /// <value>1.</value>
    public int Readers { get; init; } = 1;

    /// <summary>
    /// Bytes of parts that a reader has yet to read before the writer waits for it, also for one that is still to come. A single part may be larger.
    /// </summary>
    /// <value>256 MiB.</value>
    public long MaxUnreadBytes { get; init; } = 256L << 20;

    /// <summary>
    /// Whether parts stay in the store after they were read: they are then the writer's (<see cref="ObjectStreamWriter.Parts"/>), and it waits only for readers that
    /// are there.
    /// </summary>
    /// <value>False.</value>
    public bool KeepParts { get; init; }

    internal ObjectStreamOptions Check() =>
        Readers is < 1 or > MostReaders ? throw new GristmillException(ErrorCodes.Invalid, $"A stream cannot have {Readers} readers.", $"It has 1 to {MostReaders}.")
        : MaxUnreadBytes < 0 ? throw new GristmillException(ErrorCodes.Invalid, $"A stream cannot have {MaxUnreadBytes} bytes that are not read yet.", "Give 0 or more.")
        : this;
}
