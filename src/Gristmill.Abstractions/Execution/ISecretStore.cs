namespace Gristmill;

/// <summary>
/// Knows secrets by name. A silo asks it right before each attempt of a stage that names one; the answer goes to the worker
/// and is kept nowhere. To add a source: register another implementation before <c>UseGristmill</c>.
/// </summary>
public interface ISecretStore
{
    /// <summary>The secret, or null if there is none of this name.</summary>
    /// <param name="name">A name by <see cref="GristmillName"/>'s rule.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.SecretMissing"/>: it is there, and may not be used.</exception>
    ValueTask<string?> FindAsync(string name, CancellationToken cancellationToken);
}
