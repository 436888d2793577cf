namespace Gristmill.Data.Sources.Remote.Cloud;

/// <summary>A bucket or container.</summary>
internal abstract class CloudContainer
{
    /// <summary>One page of the objects whose keys begin with a prefix, in any order.</summary>
    /// <param name="calls">For whom.</param>
    /// <param name="prefix">The prefix.</param>
    /// <param name="below">Whether those with a slash behind the prefix are told too.</param>
    /// <param name="next">Where it begins, as the page before said; null: the first page.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public abstract Task<CloudPage> ListAsync(RemoteCalls calls, string prefix, bool below, string? next, CancellationToken cancellationToken);

    /// <summary>An object.</summary>
    /// <param name="calls">Asks for it.</param>
    /// <param name="key">Its key.</param>
    /// <param name="version">What a listing has said of it.</param>
    public abstract RemoteFile File(RemoteCalls calls, string key, RemoteVersion? version);
}

/// <summary>Some objects of a listing.</summary>
/// <param name="Objects">Their keys, and what is said of them; markers of folders are left out.</param>
/// <param name="Next">Where the next page begins; null: there is none.</param>
internal sealed record CloudPage(IReadOnlyList<(string Key, RemoteVersion Version)> Objects, string? Next);
