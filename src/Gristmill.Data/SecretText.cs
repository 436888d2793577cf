namespace Gristmill.Data;

/// <summary>A text that is shown nowhere: one of a secret's name, looked up whenever it is needed and kept nowhere, or given.</summary>
internal sealed class SecretText
{
    private readonly Func<CancellationToken, ValueTask<string?>> _find;
    private readonly string _name;

    private SecretText(string name, Func<CancellationToken, ValueTask<string?>> find) => (_name, _find) = (name, find);

    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: it is not a name. It is not repeated: somebody may have put the secret itself there.</exception>
    public static SecretText Named(string name, ISecretStore? secrets)
    {
        ArgumentNullException.ThrowIfNull(name);
        secrets ??= new EnvironmentSecretStore();
        return GristmillName.IsValid(name)
            ? new SecretText($"secret '{name}'", token => secrets.FindAsync(name, token))
            : throw new GristmillException(ErrorCodes.Invalid, "What is to name the secret of a connection is not a name.", $"Give the secret's name: {GristmillName.Rule}.");
    }

    public static SecretText Given(string text)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(text);
        return new SecretText("connection string", _ => ValueTask.FromResult<string?>(text));
    }

    /// <summary>The text.</summary>
    /// <param name="use">What it says, for the message.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.SecretMissing"/>.</exception>
    public async ValueTask<string> FindAsync(string use, CancellationToken cancellationToken) => await _find(cancellationToken).ConfigureAwait(false)
        ?? throw new GristmillException(ErrorCodes.SecretMissing, $"There is no {_name}, which says {use}.", "Set it in the environment, or have the silo know it.");

    /// <summary>"secret 'NAME'" or "connection string".</summary>
    public override string ToString() => _name;
}
