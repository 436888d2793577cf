namespace Gristmill;

/// <summary>The stable error codes: what each means and, in its remarks, what to do; docs/errors.md is made of that. A code is never reused or renamed.</summary>
public static class ErrorCodes
{
    /// <summary>A name, spec, option or request is not well formed.</summary>
    /// <remarks>Correct the value named in the message.</remarks>
    public const string Invalid = "invalid";

    /// <summary>A body, spec or archive is larger than is taken.</summary>
    /// <remarks>The message names the limit; send less, keep data out of specs, or raise the setting it names.</remarks>
    public const string TooLarge = "too_large";

    /// <summary>No pipeline, run, model, version or deployment of that name.</summary>
    /// <remarks>List what there is.</remarks>
    public const string NotFound = "not_found";

    /// <summary>The address is there, but does not take the request's method.</summary>
    /// <remarks>Use one of those that the hint and the header `Allow` name.</remarks>
    public const string Method = "http.method";

    /// <summary>The address takes bodies of another type, or the request does not say of which it is.</summary>
    /// <remarks>Send `Content-Type: application/json`, and `{}` where there is nothing to say.</remarks>
    public const string MediaType = "http.media_type";

    /// <summary>A page of another origin asked for a change through a browser.</summary>
    /// <remarks>If the page is yours, name its origin in `Gristmill:TrustedOrigins:0`.</remarks>
    public const string CrossOrigin = "http.cross_origin";

    /// <summary>The request contradicts what exists.</summary>
    /// <remarks>Read the message; repeat with current values.</remarks>
    public const string Conflict = "conflict";

    /// <summary>Cancelled by a caller.</summary>
    /// <remarks>Nothing, or start again.</remarks>
    public const string Cancelled = "cancelled";

    /// <summary>Longer than its limit.</summary>
    /// <remarks>Raise the limit, or make the work smaller.</remarks>
    public const string Timeout = "timeout";

    /// <summary>A data file does not exist or cannot be opened by the silo's user.</summary>
    /// <remarks>Check the path and its permissions; relative paths start at the silo's base folder.</remarks>
    public const string FileNotFound = "data.file_not_found";

    /// <summary>The server of a remote file or a database refuses, does not answer, or keeps breaking off.</summary>
    /// <remarks>The message says which; look at the address, what it takes to be let in, and the network, then run again.</remarks>
    public const string SourceUnavailable = "data.unavailable";

    /// <summary>A remote file got new content while it was read.</summary>
    /// <remarks>Run again once nobody writes it; better, write new content under a new name.</remarks>
    public const string SourceChanged = "data.changed";

    /// <summary>A file is not of the format it claims.</summary>
    /// <remarks>The message holds the reader's reason, and of a CSV row its line: correct it, or [leave such rows out](pipelines.md#rows-that-cannot-be-read).</remarks>
    public const string FileFormat = "data.format";

    /// <summary>A column is missing or unknown.</summary>
    /// <remarks>The message lists the columns there are.</remarks>
    public const string UnknownColumn = "data.unknown_column";

    /// <summary>A column or field has another type than required.</summary>
    /// <remarks>The field is named; send or select the type asked for.</remarks>
    public const string TypeMismatch = "data.type_mismatch";

    /// <summary>Null, NaN or out of range where it is not allowed.</summary>
    /// <remarks>Impute, filter, or send a value.</remarks>
    public const string BadValue = "data.bad_value";

    /// <summary>DuckDB, or the database that is read or written, refused the statement.</summary>
    /// <remarks>The message is the database's; DuckDB's has line and position.</remarks>
    public const string Sql = "sql.error";

    /// <summary>Arrow bytes are malformed, or a segment was damaged.</summary>
    /// <remarks>The message names the buffer; make the data again.</remarks>
    public const string Corrupt = "object.corrupt";

    /// <summary>The table is no longer in the store.</summary>
    /// <remarks>Its run's retention has ended, or it was [collected](objects.md): run again.</remarks>
    public const string ObjectNotFound = "object.not_found";

    /// <summary>The hosts that hold a table cannot be reached.</summary>
    /// <remarks>See whether hosts reach each other, or run its stage again.</remarks>
    public const string ObjectUnreachable = "object.unreachable";

    /// <summary>Shared memory, disk or a quota is full.</summary>
    /// <remarks>Delete old runs' data, raise the capacity, or free space.</remarks>
    public const string StoreFull = "object.store_full";

    /// <summary>The state database stayed locked by another process.</summary>
    /// <remarks>Stop the other program that holds gristmill.db.</remarks>
    public const string StorageBusy = "storage.busy";

    /// <summary>The state database is damaged.</summary>
    /// <remarks>Restore the data folder from a backup.</remarks>
    public const string StorageCorrupt = "storage.corrupt";

    /// <summary>The state database cannot be opened, read or written.</summary>
    /// <remarks>Check permissions and the disk.</remarks>
    public const string StorageUnavailable = "storage.unavailable";

    /// <summary>A stage's own code threw.</summary>
    /// <remarks>The message and the first lines of the stack are the stage's.</remarks>
    public const string StageFailed = "stage.failed";

    /// <summary>A stage neither reported progress nor gave a heartbeat for longer than its limit.</summary>
    /// <remarks>Report more often, or raise `heartbeatTimeout`; the stage is retried.</remarks>
    public const string HeartbeatTimeout = "stage.heartbeat_timeout";

    /// <summary>A stage saved a checkpoint above the limit.</summary>
    /// <remarks>Save less; what was saved before stays.</remarks>
    public const string CheckpointTooLarge = "stage.checkpoint_too_large";

    /// <summary>A stage requires more of a resource than its silo's host has.</summary>
    /// <remarks>Say what the host has with `Gristmill:Resources:NAME`, or require less.</remarks>
    public const string ResourceMissing = "stage.resource_missing";

    /// <summary>More items of a loop failed than `allowFailures` lets.</summary>
    /// <remarks>The message holds the first failure; correct it, or allow a greater share.</remarks>
    public const string LoopFailed = "loop.failed";

    /// <summary>A check of a table found rows that break its rules.</summary>
    /// <remarks>The message names each rule, its column and how many rows; correct the data or the rule.</remarks>
    public const string CheckFailed = "data.check_failed";

    /// <summary>The worker process ended.</summary>
    /// <remarks>Details hold the signal and the last log lines; the stage is retried.</remarks>
    public const string WorkerCrashed = "worker.crashed";

    /// <summary>The worker took more memory than its limit.</summary>
    /// <remarks>Raise the limit, or make the stage smaller.</remarks>
    public const string WorkerMemory = "worker.memory_limit";

    /// <summary>A user assembly, type or method cannot be loaded.</summary>
    /// <remarks>The message names it; ship it with the pipeline.</remarks>
    public const string CodeLoad = "code.load";

    /// <summary>A model package or file is malformed, or of an unknown engine.</summary>
    /// <remarks>Export it again.</remarks>
    public const string ModelFormat = "model.format";

    /// <summary>A model has no form in the format asked for.</summary>
    /// <remarks>The message says why, the hint what does have one ([models.md](models.md)).</remarks>
    public const string NotExportable = "model.not_exportable";

    /// <summary>A native library cannot be loaded.</summary>
    /// <remarks>`mill doctor` says which and why.</remarks>
    public const string NativeLibrary = "native.library";

    /// <summary>Another silo holds the data folder.</summary>
    /// <remarks>Stop it, or choose another folder with `--data`.</remarks>
    public const string DataFolderInUse = "silo.data_folder_in_use";

    /// <summary>An idempotency key came again with another request.</summary>
    /// <remarks>Use a new key for a new request.</remarks>
    public const string IdempotencyKeyReused = "run.idempotency_key_reused";

    /// <summary>A cron expression cannot be parsed, or never comes true.</summary>
    /// <remarks>The message says which field; five fields, six with seconds first, or a macro such as `@daily`.</remarks>
    public const string Cron = "trigger.cron";

    /// <summary>A time zone that the server does not know.</summary>
    /// <remarks>Use an IANA name such as `Europe/Berlin`; the host needs its time zone data (`tzdata`).</remarks>
    public const string TimeZone = "trigger.time_zone";

    /// <summary>A pattern of files that cannot be used.</summary>
    /// <remarks>Write `/folder/*.parquet` or `/folder/**/*.parquet` ([triggers.md](triggers.md)).</remarks>
    public const string Glob = "trigger.glob";

    /// <summary>The object of a trigger cannot be seen: its server refuses, does not answer, or tells neither ETag nor Last-Modified.</summary>
    /// <remarks>The message says which; check the URL, and the secret that the trigger names ([triggers.md](triggers.md)).</remarks>
    public const string ObjectUnseen = "trigger.object";

    /// <summary>Triggers would start each other's pipelines for ever.</summary>
    /// <remarks>Break the circle, or use a schedule.</remarks>
    public const string TriggerCycle = "trigger.cycle";

    /// <summary>The host has no stream provider of that name.</summary>
    /// <remarks>Add it to every silo.</remarks>
    public const string StreamProvider = "trigger.stream_provider";

    /// <summary>A webhook's trigger is paused.</summary>
    /// <remarks>`mill trigger resume`, then send again.</remarks>
    public const string TriggerPaused = "trigger.paused";

    /// <summary>A webhook request is unsigned, or its signature is wrong.</summary>
    /// <remarks>Sign `id.timestamp.body` with the trigger's secret ([triggers.md](triggers.md)).</remarks>
    public const string WebhookSignature = "webhook.signature";

    /// <summary>A webhook request was signed too long ago, or in the future.</summary>
    /// <remarks>Sign when sending; set the sender's clock.</remarks>
    public const string WebhookExpired = "webhook.expired";

    /// <summary>A webhook request was taken in before.</summary>
    /// <remarks>Nothing: the message has fired; a new one needs a new id.</remarks>
    public const string WebhookReplayed = "webhook.replayed";

    /// <summary>A webhook request's body is larger than the trigger allows.</summary>
    /// <remarks>Send less, or raise `maxBytes`.</remarks>
    public const string WebhookTooLarge = "webhook.too_large";

    /// <summary>More webhook requests than can be remembered within their time window.</summary>
    /// <remarks>Send again later, or make `tolerance` smaller.</remarks>
    public const string WebhookTooMany = "webhook.too_many";

    /// <summary>A partition that the pipeline does not have, or a run that names none where it must.</summary>
    /// <remarks>`mill partitions PIPELINE` lists them ([partitions.md](partitions.md)).</remarks>
    public const string Partition = "partition.unknown";

    /// <summary>The host has no secret of that name.</summary>
    /// <remarks>Set `GRISTMILL_SECRET_NAME` in its environment, or write the file `secrets/NAME` in its data folder, readable by its owner alone.</remarks>
    public const string SecretMissing = "secret.missing";

    /// <summary>The server does not answer.</summary>
    /// <remarks>Start it with `mill up`, or pass `--server`.</remarks>
    public const string Unreachable = "client.unreachable";

    /// <summary>Too many requests in flight.</summary>
    /// <remarks>Retry after the time in `Retry-After`.</remarks>
    public const string Overloaded = "serving.overloaded";

    /// <summary>A bug or an unforeseen failure.</summary>
    /// <remarks>The silo's log has the stack; please report it.</remarks>
    public const string Internal = "internal";
}
