using System.Text.Json.Serialization;

namespace Gristmill.Worker;

/// <summary>What a worker is told at its start: one JSON line on its standard input, so that the token is in no argument list and no environment.</summary>
internal sealed record WorkerSettings
{
    /// <summary>Process id of the pool.</summary>
    public required int Parent { get; init; }
    /// <summary>The worker's number in its pool.</summary>
    public required int Number { get; init; }
    /// <summary>Path of the pool's socket.</summary>
    public required string Socket { get; init; }
    /// <summary>Proves that the one who connects is the process the pool started.</summary>
    public required string Token { get; init; }
    /// <summary>Folder of the object store.</summary>
    public required string Objects { get; init; }
    /// <summary>Capacity of the object store.</summary>
    public long ObjectsCapacity { get; init; }
    /// <summary>Folder of what the object store spills.</summary>
    public string? Spill { get; init; }
    /// <summary>Capacity of that.</summary>
    public long SpillCapacity { get; init; }
    public long? Recycled { get; init; }
    /// <summary>How long the object store waits for room.</summary>
    public TimeSpan PutTimeout { get; init; }
    /// <summary>Folder of the content store.</summary>
    public required string Content { get; init; }
    /// <summary>Base of relative paths in options.</summary>
    public string? BaseDirectory { get; init; }
    /// <summary>Folder of checkpoints.</summary>
    public string? Checkpoints { get; init; }
    /// <summary>Whether the pool keeps what attempts log.</summary>
    public bool Tracking { get; init; }
    /// <summary>Threads of an attempt that does not say.</summary>
    public int Threads { get; init; } = 1;
}

/// <summary>The first frame of a worker.</summary>
internal sealed record WorkerHello(int Number, string Token, int Pid);

/// <summary>JSON of all frames, generated at build time: no reflection when a worker starts.</summary>
[JsonSourceGenerationOptions(
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(WorkerSettings))]
[JsonSerializable(typeof(WorkerHello))]
[JsonSerializable(typeof(StageRequest))]
[JsonSerializable(typeof(StageResult))]
[JsonSerializable(typeof(StageProgress))]
[JsonSerializable(typeof(ErrorInfo))]
internal sealed partial class WorkerJson : JsonSerializerContext;
