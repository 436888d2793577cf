namespace Gristmill;

/// <summary>What state a segment of the object store is in.</summary>
public enum ObjectState
{
    /// <summary>Whole and immutable.</summary>
    Sealed = 0,
    /// <summary>A living process writes it.</summary>
    Building = 1,
    /// <summary>Its writer died before it was whole; it is swept away.</summary>
    Abandoned = 2,
    /// <summary>It has the name of a whole one and cannot be read.</summary>
    Damaged = 3,
}

/// <summary>An object in a silo's store.</summary>
public sealed record ObjectView
{
    /// <summary>Its id.</summary>
    public required string Id { get; init; }
    /// <summary>Its state.</summary>
    public required ObjectState State { get; init; }
    /// <summary>What made it: "RUN/STAGE", or a name without a slash; null: unknown.</summary>
    public string? Owner { get; init; }
    /// <summary>Its rows; null if it is not sealed, damaged, or written by another program.</summary>
    public long? Rows { get; init; }
    /// <summary>Size in bytes.</summary>
    public required long Bytes { get; init; }
    /// <summary>When it was sealed; before that, when it was written last.</summary>
    public required DateTimeOffset Created { get; init; }
    /// <summary>Names and types of its first columns.</summary>
    public string? Schema { get; init; }
    /// <summary>Processes of the silo's host that have it mapped or write it, as far as the silo sees them.</summary>
    public IReadOnlyList<int> Processes { get; init; } = [];
    /// <summary>Whether it is kept until it is unpinned.</summary>
    public bool Pinned { get; init; }
    /// <summary>Whether it lies on a disk, as memory had no room for it; it comes back when it is read.</summary>
    public bool Spilled { get; init; }
    /// <summary>Why it cannot be read.</summary>
    public string? Problem { get; init; }
    /// <summary>Its columns, where one object is asked for.</summary>
    public IReadOnlyList<ObjectColumn>? Columns { get; init; }
    /// <summary>Its record batches, where one object is asked for.</summary>
    public int? Batches { get; init; }
    /// <summary>XxHash3 of its data, where one object is asked for.</summary>
    public string? Checksum { get; init; }
}

/// <summary>A column of an object.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its Arrow type, such as "int64" or "list&lt;float&gt;".</param>
/// <param name="Nullable">Whether it may hold nulls.</param>
/// <param name="Nulls">How many it holds; null where counting would take long.</param>
public sealed record ObjectColumn(string Name, string Type, bool Nullable, long? Nulls)
{
    /// <summary>What it holds, where that was computed when the table came in.</summary>
    public ColumnStatistics? Statistics { get; init; }
}

/// <summary>A page of what lies in a silo's object store.</summary>
public sealed record ObjectPage
{
    /// <summary>The objects in order.</summary>
    public required IReadOnlyList<ObjectView> Objects { get; init; }
    /// <summary>Asks for the page after this one; null: this is the last.</summary>
    public string? Next { get; init; }
    /// <summary>Objects on all pages.</summary>
    public required int Count { get; init; }
    /// <summary>Their bytes.</summary>
    public required long Bytes { get; init; }
    /// <summary>How many of their bytes lie on a disk.</summary>
    public long SpilledBytes { get; init; }
    /// <summary>Bytes the store may hold in memory.</summary>
    public required long Capacity { get; init; }
    /// <summary>The host whose store it is.</summary>
    public required string Host { get; init; }
    /// <summary>Files of its folder that are no objects, at most 100.</summary>
    public IReadOnlyList<SkippedObjectFile> Skipped { get; init; } = [];
}

/// <summary>A file of the store's folder that is no object.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Reason">Why it is none.</param>
public sealed record SkippedObjectFile(string Name, string Reason);

/// <summary>What objects are ordered by.</summary>
public enum ObjectOrder
{
    /// <summary>The largest first.</summary>
    Bytes = 0,
    /// <summary>The newest first.</summary>
    Created = 1,
}

/// <summary>Asks for objects.</summary>
public sealed record ObjectQuery
{
    /// <summary>The most objects of a page.</summary>
    public const int MaxLimit = 1000;

    /// <summary>Only those of a run, of a stage as "RUN/STAGE", or of another owner; null: all.</summary>
    public string? Owner { get; init; }
    /// <summary>What they are ordered by.</summary>
    /// <value>The largest first.</value>
    public ObjectOrder Order { get; init; }
    /// <summary>The most there shall be, 1 to 1,000.</summary>
    public int Limit { get; init; } = 100;
    /// <summary><see cref="ObjectPage.Next"/> of the page before.</summary>
    public string? After { get; init; }
}
