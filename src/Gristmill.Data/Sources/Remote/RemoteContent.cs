namespace Gristmill.Data.Sources.Remote;

/// <summary>An answer with a file's bytes.</summary>
/// <param name="Bytes">They, to be read.</param>
/// <param name="Version">What the server says of the file.</param>
/// <param name="From">The first of them in the file.</param>
/// <param name="Answer">Ends the answer.</param>
internal sealed record RemoteContent(Stream Bytes, RemoteVersion Version, long From, IDisposable Answer) : IDisposable
{
    public void Dispose() => Answer.Dispose();
}
