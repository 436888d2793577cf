using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Objects.Conformance;

namespace Gristmill.Objects.Fuzzing;

/// <summary>
/// One mutant through every door: decoded by itself, imported, read to the last value, removed. It throws what an attacker would
/// have reached; anything but an error with a code is a finding.
/// </summary>
internal sealed class FuzzTarget(ObjectStore store)
{
    private const long MaxBytes = 1 << 22;

    /// <summary>Whether it was accepted.</summary>
    /// <exception cref="FuzzFinding">Something is wrong.</exception>
    public bool Run(byte[] mutant)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        var decoded = Door(() => ArrowIpc.Decode(mutant, MaxBytes));
        long decoding = GC.GetAllocatedBytesForCurrentThread() - before;
        if (decoding > (4 << 20) + 64L * mutant.Length)
        {
            throw new FuzzFinding($"{decoding} bytes were allocated for {mutant.Length}");
        }

        // What Decode made is read before it is imported: a crash then says which of the two doors let it in.
        var came = decoded.Value.Batches ?? [];
        foreach (var batch in came)
        {
            ArrayWalker.Read(batch);
        }

        var imported = Door(() => store.ImportAsync(new MemoryStream(mutant), MaxBytes, CancellationToken.None).GetAwaiter().GetResult());
        if (decoded.Refused is { } refused && imported.Refused?.Code != refused.Code)
        {
            throw new FuzzFinding($"decoding says '{refused.Message}', importing '{imported.Refused?.Message ?? "nothing"}'");
        }

        if (imported.Value is { } reference)
        {
            using (var lease = store.Get(reference))
            {
                lease.Verify();
                Compare(came, lease.Batches);
            }

            store.Delete(reference.Id);
        }

        if (Directory.EnumerateFileSystemEntries(store.Options.Directory).FirstOrDefault() is { } left || store.LiveLeases + store.LeakedLeases > 0)
        {
            throw new FuzzFinding("something was left in the store");
        }

        return imported.Refused is null;
    }

    /// <summary>What is stored says what came.</summary>
    private static void Compare(IReadOnlyList<RecordBatch> came, IReadOnlyList<RecordBatch> stored)
    {
        if (came.Count != stored.Count)
        {
            throw new FuzzFinding($"{came.Count} batches came, {stored.Count} are stored");
        }

        for (int b = 0; b < came.Count; b++)
        {
            ArrayWalker.Read(stored[b]);
            for (int c = 0; c < came[b].ColumnCount; c++)
            {
                ArrayData one = came[b].Column(c).Data, other = stored[b].Column(c).Data;
                for (int i = 0; i < Math.Min(64, one.Length) && !Unfolds(one.DataType); i++)
                {
                    if (ArrayText.Of(one, i) is var text && ArrayText.Of(other, i) is var kept && text != kept)
                    {
                        throw new FuzzFinding($"batch {b}, column {c}, value {i} came as {text}, stored is {kept}");
                    }
                }
            }
        }
    }

    /// <summary>Lists that may overlap, inside others: their values as text have no bound.</summary>
    private static bool Unfolds(IArrowType type, int lists = 0) => type switch
    {
        DictionaryType dictionary => Unfolds(dictionary.ValueType, lists),
        ListViewType or LargeListViewType when lists > 0 => true,
        NestedType nested => nested.Fields.Any(field => Unfolds(field.DataType, lists + (type is StructType ? 0 : 1))),
        _ => false,
    };

    private static (T? Value, GristmillException? Refused) Door<T>(Func<T> open)
    {
        try
        {
            return (open(), null);
        }
        catch (GristmillException e) when (e.Code is ErrorCodes.Corrupt or ErrorCodes.Invalid or ErrorCodes.TypeMismatch && e.Error.Hint is not null)
        {
            return (default, e);
        }
    }
}
