namespace Gristmill.Objects.Transfer;

/// <summary>Finds hosts that hold an object, one after the other.</summary>
public interface IObjectSources
{
    /// <summary>A host to read the object from, which may take a while: others may be reading from all of them.</summary>
    /// <returns>null: there is none, or none but such as failed already.</returns>
    Task<ObjectOffer?> NextAsync(CancellationToken cancellationToken);

    /// <summary>Says how it went with the last one.</summary>
    /// <param name="error">null: all of it is here. Otherwise the host was lost, or what it sent is damaged; another is asked next.</param>
    Task ReleaseAsync(Exception? error);
}
