using Gristmill.Objects.Platform;

namespace Gristmill.Objects.Import;

/// <summary>Takes Arrow IPC from outside into a store.</summary>
internal sealed class Importer(ObjectStore store, long maxBytes, bool statistics)
{
    /// <summary>Sources up to this size are held in memory; larger ones in a file of the store's folder.</summary>
    private const int Small = 1 << 20;

    public async Task<ObjectRef> ImportAsync(Stream source, CancellationToken cancellationToken)
    {
        using var head = new HeapMemory((int)Math.Min(Small - 1, maxBytes) + 1);
        int read = await FillAsync(source, Whole(head), cancellationToken);
        if (read < head.Length)
        {
            return Write(Open(head, read), cancellationToken);
        }

        return await ImportLargeAsync(source, head, cancellationToken);
    }

    private static unsafe Memory<byte> Whole(HeapMemory memory) =>
        new Mapping.SegmentMemory(memory, memory.Pointer, memory.Length).Memory;

    private unsafe IpcSource Open(HeapMemory memory, int length) => new(memory, memory.Pointer, length, maxBytes);

    private unsafe IpcSource Open(MappedFile file) => new(file, file.Pointer, file.Length, maxBytes);

    private async Task<ObjectRef> ImportLargeAsync(Stream source, HeapMemory head, CancellationToken cancellationToken)
    {
        // Named like a segment that is being written, and locked as one by its open stream: a sweep removes it after a crash.
        string path = store.BuildingPath(Guid.NewGuid().ToString("n"));
        await using var spool = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 0, FileOptions.DeleteOnClose);
        long total = 0;
        for (int read = head.Length; read > 0; read = await FillAsync(source, Whole(head), cancellationToken))
        {
            total += read;
            if (total > maxBytes)
            {
                throw new GristmillException(ErrorCodes.Invalid, $"The Arrow data is larger than the {maxBytes} bytes that are allowed.",
                    "Send it in smaller pieces, or raise the limit.");
            }

            store.Budget.Demand(read);
            try
            {
                await spool.WriteAsync(Whole(head)[..read], cancellationToken);
            }
            catch (IOException)
            {
                throw store.Budget.Full(read);
            }
        }

        using var file = SegmentPlatform.Current.Open(path, hold: false) ?? throw new IOException($"{path} was removed while it was read.");
        return Write(Open(file), cancellationToken);
    }

    private ObjectRef Write(IpcSource source, CancellationToken cancellationToken)
    {
        using var writer = store.Create(source.Schema);
        writer.Bridge = "import";
        if (statistics)
        {
            writer.CollectStatistics();
        }

        Arena arena = new(), dictionaries = new();
        try
        {
            foreach (var batch in source.Batches(arena, dictionaries))
            {
                cancellationToken.ThrowIfCancellationRequested();
                writer.Append(batch);
                arena.Dispose();
            }
        }
        finally
        {
            arena.Dispose();
            dictionaries.Dispose();
        }

        return writer.Seal();
    }

    private static async Task<int> FillAsync(Stream source, Memory<byte> target, CancellationToken cancellationToken) =>
        await source.ReadAtLeastAsync(target, target.Length, throwOnEndOfStream: false, cancellationToken);
}
