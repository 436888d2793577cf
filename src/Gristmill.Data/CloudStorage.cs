namespace Gristmill.Data;

/// <summary>
/// How objects of Amazon S3 (and what speaks its protocol) and of Azure Blob Storage are reached. What it is made of is shown nowhere: no message, no description of a flow and no cache
/// key has it. Its text for S3: <c>AccessKeyId=...;SecretAccessKey=...;SessionToken=...;Region=eu-central-1;Endpoint=https://minio:9000</c>, where keys may be left out and are found as the
/// AWS SDK finds them, the session token is for temporary keys, and the endpoint for other servers than Amazon's. Its text for Azure: a connection string of a storage account, with its key
/// or a shared access signature (<c>BlobEndpoint=...;SharedAccessSignature=...</c>); for paths that name the account the signature alone does too (<c>sv=...&amp;sig=...</c>).
/// </summary>
public sealed class CloudStorage
{
    private readonly SecretText? _text;
    private readonly string _name;

    private CloudStorage(string name, SecretText? text) => (_name, _text) = (name, text);

    /// <summary>
    /// What the process's surroundings say. S3: the credential chain of the AWS SDK (environment, profiles, containers, instances). Azure: the variable
    /// AZURE_STORAGE_CONNECTION_STRING; where it is not set, for paths that name the account, the chain of <c>DefaultAzureCredential</c> (environment, workload and managed identities, az).
    /// </summary>
    public static CloudStorage Ambient { get; } = new("the environment", null);

    /// <summary>Nobody: for what is public. S3 still takes region and endpoint from the environment (AWS_REGION, AWS_ENDPOINT_URL_S3).</summary>
    public static CloudStorage Anonymous { get; } = new("nobody", null);

    /// <summary>By a secret. It is looked up for each file, so that credentials which expire may be replaced while a flow runs, and kept no longer than it runs.</summary>
    /// <param name="name">Its name; its value is the text.</param>
    /// <param name="secrets">Who knows it; null: the process's environment (<see cref="EnvironmentSecretStore"/>).</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: it is not a name. It is not repeated: somebody may have put the text there.</exception>
    public static CloudStorage FromSecret(string name, ISecretStore? secrets = null)
    {
        var text = SecretText.Named(name, secrets);
        return new CloudStorage(text.ToString(), text);
    }

    /// <summary>By its text, as a stage's method gets it that takes a secret (<c>p.Secret</c>).</summary>
    public static CloudStorage FromString(string text)
    {
        var given = SecretText.Given(text);
        return new CloudStorage(given.ToString(), given);
    }

    /// <summary>Where it comes from: "secret 'NAME'", "connection string", "the environment" or "nobody".</summary>
    public override string ToString() => _name;

    /// <summary>The text; null: there is none.</summary>
    internal async ValueTask<string?> FindAsync(CancellationToken cancellationToken) =>
        _text is null ? null : await _text.FindAsync("how objects are reached", cancellationToken).ConfigureAwait(false);
}
