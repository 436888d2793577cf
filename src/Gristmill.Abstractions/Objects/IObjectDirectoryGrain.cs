using System.Collections.Immutable;

namespace Gristmill;

/// <summary>
/// Knows which silos hold an object, for one part of all ids; and which of them a reader is to read from, so that an object that many want spreads as a tree:
/// each that has it gives it to a few at a time, and then these do.
/// </summary>
[Alias("gristmill.IObjectDirectoryGrain")]
public interface IObjectDirectoryGrain : IGrainWithIntegerKey
{
    /// <summary>Whether any silo holds an object.</summary>
    [Alias("Holds")]
    Task<bool> HoldsAsync(string id);

    /// <summary>A silo to read an object from. It waits until one is free to give it, some seconds at most.</summary>
    /// <param name="id">The object.</param>
    /// <param name="reader">The silo that wants it.</param>
    /// <param name="not">Silos that failed it.</param>
    [Alias("Acquire")]
    Task<ObjectSource> AcquireAsync(string id, SiloAddress reader, ImmutableArray<SiloAddress> not);

    /// <summary>Ends a reading.</summary>
    /// <param name="id">The object.</param>
    /// <param name="source">The silo it was read from.</param>
    /// <param name="reader">The silo that read.</param>
    /// <param name="outcome">How it went.</param>
    [Alias("Release")]
    Task ReleaseAsync(string id, SiloAddress source, SiloAddress reader, ReadingOutcome outcome);
}

/// <summary>Where to read an object from.</summary>
/// <param name="Silo">The silo; null: none that may be asked holds it, or all are busy.</param>
/// <param name="IsBusy">Whether there are such, which give it to others at present: ask again.</param>
[GenerateSerializer, Immutable, Alias("gristmill.ObjectSource")]
public readonly record struct ObjectSource([property: Id(0)] SiloAddress? Silo, [property: Id(1)] bool IsBusy);

/// <summary>How the reading of an object from another silo ended.</summary>
public enum ReadingOutcome
{
    /// <summary>The reader holds it now, too.</summary>
    Copied = 0,
    /// <summary>It was not there any more.</summary>
    Gone = 1,
    /// <summary>It broke off; the silo may hold it still.</summary>
    Failed = 2,
}

/// <summary>Finds the grain that knows an object.</summary>
public static class ObjectDirectory
{
    /// <summary>Parts of the directory: a power of two.</summary>
    public const int Parts = 64;

    /// <summary>The grain that knows an object.</summary>
    public static IObjectDirectoryGrain DirectoryOf(this IGrainFactory grains, string id)
    {
        ArgumentNullException.ThrowIfNull(grains);
        ArgumentNullException.ThrowIfNull(id);
        // Ids are drawn at random: their first digits are as good as any hash.
        return grains.GetGrain<IObjectDirectoryGrain>(id.Length >= 2 && byte.TryParse(id.AsSpan(0, 2), System.Globalization.NumberStyles.HexNumber, null, out var first) ? first % Parts : 0);
    }
}
