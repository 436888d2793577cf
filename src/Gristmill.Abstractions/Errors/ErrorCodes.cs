namespace Gristmill;

/// <summary>The stable error codes. A code is never reused or renamed; docs/errors.md explains each.</summary>
public static class ErrorCodes
{
    /// <summary>A bug or an unforeseen failure.</summary>
    public const string Internal = "internal";
    /// <summary>Cancelled by a caller.</summary>
    public const string Cancelled = "cancelled";
    /// <summary>Something took longer than its limit.</summary>
    public const string Timeout = "timeout";
    /// <summary>A name, spec, option or request that is not well formed.</summary>
    public const string Invalid = "invalid";
    /// <summary>A body, file or archive is larger than is taken.</summary>
    public const string TooLarge = "too_large";
    /// <summary>The named pipeline, run, model, deployment or object does not exist.</summary>
    public const string NotFound = "not_found";
    /// <summary>An address that does not take the request's method.</summary>
    public const string Method = "http.method";
    /// <summary>A change that a page of another origin asked for through a browser.</summary>
    public const string CrossOrigin = "http.cross_origin";
    /// <summary>An address that takes bodies of another type.</summary>
    public const string MediaType = "http.media_type";
    /// <summary>The request conflicts with what exists.</summary>
    public const string Conflict = "conflict";
    /// <summary>A data file does not exist or cannot be opened.</summary>
    public const string FileNotFound = "data.file_not_found";
    /// <summary>A data file is not of the format it claims.</summary>
    public const string FileFormat = "data.format";
    /// <summary>A column is missing or unknown.</summary>
    public const string UnknownColumn = "data.unknown_column";
    /// <summary>A value or column has another type than required.</summary>
    public const string TypeMismatch = "data.type_mismatch";
    /// <summary>A value is outside what is allowed: null, NaN or out of range.</summary>
    public const string BadValue = "data.bad_value";
    /// <summary>DuckDB refused the SQL.</summary>
    public const string Sql = "sql.error";
    /// <summary>The segment or IPC bytes are malformed.</summary>
    public const string Corrupt = "object.corrupt";
    /// <summary>The object is not in the store.</summary>
    public const string ObjectNotFound = "object.not_found";
    /// <summary>Shared memory or disk is full, or a quota is exhausted.</summary>
    public const string StoreFull = "object.store_full";
    /// <summary>The state database stayed locked by another process for longer than the busy timeout.</summary>
    public const string StorageBusy = "storage.busy";
    /// <summary>The state database is damaged, or is not a database.</summary>
    public const string StorageCorrupt = "storage.corrupt";
    /// <summary>The state database cannot be opened, read or written.</summary>
    public const string StorageUnavailable = "storage.unavailable";
    /// <summary>A stage's own code threw.</summary>
    public const string StageFailed = "stage.failed";
    /// <summary>A stage neither reported progress nor gave a heartbeat for longer than its limit.</summary>
    public const string HeartbeatTimeout = "stage.heartbeat_timeout";
    /// <summary>A stage's checkpoint is above the limit.</summary>
    public const string CheckpointTooLarge = "stage.checkpoint_too_large";
    /// <summary>A stage requires more of a resource than the silo's host has.</summary>
    public const string ResourceMissing = "stage.resource_missing";
    /// <summary>More items of a loop failed than it allows.</summary>
    public const string LoopFailed = "loop.failed";
    /// <summary>A check of a table found rows that break its rules.</summary>
    public const string CheckFailed = "data.check_failed";
    /// <summary>A secret that a stage or trigger names is not there, or may be read by others.</summary>
    public const string SecretMissing = "secret.missing";
    /// <summary>The worker process ended: the signal, exit code and last log lines are in the details.</summary>
    public const string WorkerCrashed = "worker.crashed";
    /// <summary>The worker exceeded its memory limit.</summary>
    public const string WorkerMemory = "worker.memory_limit";
    /// <summary>A user assembly, type or method could not be loaded.</summary>
    public const string CodeLoad = "code.load";
    /// <summary>A model package is malformed or of an unknown engine.</summary>
    public const string ModelFormat = "model.format";
    /// <summary>A model has no form in the format asked for.</summary>
    public const string NotExportable = "model.not_exportable";
    /// <summary>A native library could not be loaded.</summary>
    public const string NativeLibrary = "native.library";
    /// <summary>The data folder is in use by another silo.</summary>
    public const string DataFolderInUse = "silo.data_folder_in_use";
    /// <summary>The server cannot be reached.</summary>
    public const string Unreachable = "client.unreachable";
    /// <summary>Too many requests in flight; retry later.</summary>
    public const string Overloaded = "serving.overloaded";
    /// <summary>A cron expression cannot be parsed, or never comes true.</summary>
    public const string Cron = "trigger.cron";
    /// <summary>A time zone that the server does not know.</summary>
    public const string TimeZone = "trigger.time_zone";
    /// <summary>A pattern of files that cannot be used.</summary>
    public const string Glob = "trigger.glob";
    /// <summary>A trigger's object cannot be seen: its server refuses, does not answer, or tells no version of it.</summary>
    public const string ObjectUnseen = "trigger.object";
    /// <summary>Triggers that would start each other's pipelines for ever.</summary>
    public const string TriggerCycle = "trigger.cycle";
    /// <summary>The host has no such stream provider.</summary>
    public const string StreamProvider = "trigger.stream_provider";
    /// <summary>A trigger is paused and takes no events.</summary>
    public const string TriggerPaused = "trigger.paused";
    /// <summary>A webhook request is unsigned, or its signature is wrong.</summary>
    public const string WebhookSignature = "webhook.signature";
    /// <summary>A webhook request was signed too long ago, or for a time to come.</summary>
    public const string WebhookExpired = "webhook.expired";
    /// <summary>A webhook request that was taken in before.</summary>
    public const string WebhookReplayed = "webhook.replayed";
    /// <summary>A webhook request's body is larger than the trigger allows.</summary>
    public const string WebhookTooLarge = "webhook.too_large";
    /// <summary>More webhook requests than the server can remember within their time window.</summary>
    public const string WebhookTooMany = "webhook.too_many";
    /// <summary>An idempotency key that was used for another request.</summary>
    public const string IdempotencyKeyReused = "run.idempotency_key_reused";
    /// <summary>A partition that the pipeline does not have, or a run that names none where it must.</summary>
    public const string Partition = "partition.unknown";
}
