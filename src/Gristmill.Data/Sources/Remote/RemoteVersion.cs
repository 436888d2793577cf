using System.Net.Http.Headers;

namespace Gristmill.Data.Sources.Remote;

/// <summary>What a server says of a file's content, so that content that has changed is told from the old.</summary>
/// <param name="Bytes">Its length; null: not said.</param>
/// <param name="Tag">Its entity tag (RFC 9110, 8.8.3).</param>
/// <param name="Modified">When it was last changed.</param>
internal sealed record RemoteVersion(long? Bytes, EntityTagHeaderValue? Tag, DateTimeOffset? Modified)
{
    /// <summary>What a range may be asked for with: a weak tag does not promise the same bytes (RFC 9110, 13.1.5). Null: a range cannot be trusted.</summary>
    public RangeConditionHeaderValue? Condition => Tag is { IsWeak: false } ? new RangeConditionHeaderValue(Tag) : Tag is null && Modified is { } at ? new RangeConditionHeaderValue(at) : null;

    public static RemoteVersion Of(HttpResponseMessage response) => new(
        response.Content.Headers.ContentRange is { } range ? range.Length : response.Content.Headers.ContentLength,
        response.Headers.ETag,
        response.Content.Headers.LastModified);

    /// <summary>Whether another answer is about the same content, by all that both say.</summary>
    public bool Is(RemoteVersion other) =>
        (Bytes is null || other.Bytes is null || Bytes == other.Bytes)
        && (Tag is null || other.Tag is null ? Modified is null || other.Modified is null || Modified == other.Modified : Tag.Tag == other.Tag.Tag);
}
