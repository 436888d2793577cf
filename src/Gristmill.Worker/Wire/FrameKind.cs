namespace Gristmill.Worker;

/// <summary>What a frame says. Values are the wire format; pool and worker are always of one build.</summary>
internal enum FrameKind : byte
{
    /// <summary>Worker to pool, first: <see cref="WorkerHello"/>.</summary>
    Hello = 1,
    /// <summary>Pool to worker: a <see cref="StageRequest"/>; its id comes back with every answer.</summary>
    Execute = 2,
    /// <summary>Pool to worker: cancel the attempt of this id.</summary>
    Cancel = 3,
    /// <summary>Worker to pool: a <see cref="StageProgress"/>.</summary>
    Progress = 4,
    /// <summary>Worker to pool: a <see cref="StageResult"/>.</summary>
    Completed = 5,
    /// <summary>Worker to pool: an <see cref="ErrorInfo"/>.</summary>
    Failed = 6,
    /// <summary>Worker to pool: the attempt ended because it was cancelled.</summary>
    Cancelled = 7,
    /// <summary>Pool to worker.</summary>
    Ping = 8,
    /// <summary>Worker to pool.</summary>
    Pong = 9,
    /// <summary>Pool to worker: the attempt of this id may use so many threads from now on; 4 bytes, little-endian.</summary>
    Threads = 10,
    /// <summary>Worker to pool: the attempt of this id lives.</summary>
    Heartbeat = 11,
    /// <summary>Worker to pool: what the attempt of this id logged; a number that counts up (int64, little-endian), then entries (<see cref="TrackFrame"/>).</summary>
    Track = 20,
    /// <summary>Pool to worker: the track frames up to this number (int64, little-endian) are durable.</summary>
    Tracked = 21,
    /// <summary>Pool to worker: a track frame could not be stored; an <see cref="ErrorInfo"/>.</summary>
    TrackFailed = 22,
}
