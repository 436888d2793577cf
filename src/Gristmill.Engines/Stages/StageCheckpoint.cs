using System.Globalization;
using System.Text.Json;

namespace Gristmill.Engines;

/// <summary>
/// What a long stage has got so far. The next attempt, in another worker or after the silo died, goes on from there; once the
/// stage is committed it is removed. One file of the host's disk is kept, the newest; a save that is cut off leaves the one before.
/// </summary>
public sealed class StageCheckpoint
{
    private const string Extension = ".checkpoint";

    private readonly string? _folder;
    private readonly string _stage;
    private readonly long _epoch;
    private readonly long _maxBytes;
    private long _saved;

    /// <summary>Creates the checkpoint of an attempt.</summary>
    /// <param name="root">Folder of all checkpoints; null: nothing is kept.</param>
    /// <param name="request">The attempt.</param>
    /// <param name="maxBytes">Largest checkpoint.</param>
    public StageCheckpoint(string? root, StageRequest request, long maxBytes = 4L << 30)
    {
        ArgumentNullException.ThrowIfNull(request);
        _folder = root is null ? null : FolderOf(root, new StageOrigin(request.RunId, request.Stage));
        (_stage, _epoch, _maxBytes) = (request.Stage, request.Epoch, maxBytes);
    }

    /// <summary>Removes a stage's checkpoint.</summary>
    /// <param name="root">Folder of all checkpoints.</param>
    /// <param name="stage">The stage.</param>
    public static void Remove(string root, StageOrigin stage)
    {
        try
        {
            Directory.Delete(FolderOf(root, stage), recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // It saved nothing.
        }
    }

    /// <summary>Saves bytes in place of what was saved before.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.CheckpointTooLarge"/>; what was saved before stays.</exception>
    public Task SaveAsync(ReadOnlyMemory<byte> state, CancellationToken cancellationToken = default) =>
        SaveAsync(state.Length, async (target, token) => await target.WriteAsync(state, token).ConfigureAwait(false), cancellationToken);

    /// <summary>Saves a value as JSON in place of what was saved before.</summary>
    /// <inheritdoc cref="SaveAsync(ReadOnlyMemory{byte}, CancellationToken)"/>
    public Task SaveJsonAsync<T>(T value, CancellationToken cancellationToken = default) =>
        SaveAsync(JsonSerializer.SerializeToUtf8Bytes(value, StageJson.Options).AsMemory(), cancellationToken);

    /// <summary>Saves a copy of a file in place of what was saved before.</summary>
    /// <inheritdoc cref="SaveAsync(ReadOnlyMemory{byte}, CancellationToken)"/>
    public async Task SaveFileAsync(string path, CancellationToken cancellationToken = default)
    {
        await using var source = File.OpenRead(path);
        await SaveAsync(source.Length, (target, token) => source.CopyToAsync(target, token), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The bytes that an earlier attempt, or this one, has saved; null if none has.</summary>
    public async Task<byte[]?> TryLoadAsync(CancellationToken cancellationToken = default) =>
        TryGetFile() is { } file ? await File.ReadAllBytesAsync(file, cancellationToken).ConfigureAwait(false) : null;

    /// <summary>The value that an earlier attempt, or this one, has saved as JSON; the type's default if none has.</summary>
    /// <exception cref="JsonException">What was saved is not of this type.</exception>
    public async Task<T?> TryLoadJsonAsync<T>(CancellationToken cancellationToken = default) =>
        await TryLoadAsync(cancellationToken).ConfigureAwait(false) is { } saved ? JsonSerializer.Deserialize<T>(saved, StageJson.Options) : default;

    /// <summary>The file that holds what was saved, to be read and not changed; null if nothing was.</summary>
    public string? TryGetFile() => Files().LastOrDefault();

    private async Task SaveAsync(long bytes, Func<Stream, CancellationToken, Task> write, CancellationToken cancellationToken)
    {
        if (bytes > _maxBytes)
        {
            throw new GristmillException(ErrorCodes.CheckpointTooLarge,
                string.Create(CultureInfo.InvariantCulture, $"Stage '{_stage}': a checkpoint of {bytes >> 20:N0} MiB is above the limit of {_maxBytes >> 20:N0} MiB."),
                "Save less, such as the weights without the data.").With("stage", _stage);
        }

        if (_folder is null)
        {
            return;
        }

        // By epoch first: what an attempt that was given up still saves never counts as newer than what took its place.
        var name = string.Create(CultureInfo.InvariantCulture, $"{_epoch:d19}-{Interlocked.Increment(ref _saved):d10}");
        var target = Path.Combine(_folder, name + Extension);
        var unfinished = Path.Combine(_folder, name + ".unfinished");
        Directory.CreateDirectory(_folder);
        try
        {
            await using (var file = new FileStream(unfinished, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16, useAsync: false))
            {
                await write(file, cancellationToken).ConfigureAwait(false);
                file.Flush(flushToDisk: true);
            }

            File.Move(unfinished, target, overwrite: true);
        }
        catch
        {
            File.Delete(unfinished);
            throw;
        }

        foreach (var older in Files().Where(file => string.CompareOrdinal(file, target) < 0))
        {
            File.Delete(older);
        }
    }

    private List<string> Files() => _folder is null || !Directory.Exists(_folder) ? [] : [.. Directory.EnumerateFiles(_folder, "*" + Extension).Order(StringComparer.Ordinal)];

    private static string FolderOf(string root, StageOrigin stage) => Path.Combine(root, PipelineVersion.Digest($"{stage.Run}/{stage.Stage}")[..40]);
}
