namespace Gristmill.Grains.Testing;

/// <summary>The environment's secrets, one called "s", and one called "sas" that is a query.</summary>
internal sealed class TestSecrets : EnvironmentSecretStore
{
    public const string Query = "?sv=2024-11-04&sig=c2VjcmV0%2Bsig%3D";

    public override ValueTask<string?> FindAsync(string name, CancellationToken cancellationToken) =>
        name == "s" ? ValueTask.FromResult<string?>("a secret of tests")
        : name == "sas" ? ValueTask.FromResult<string?>(Query)
        : base.FindAsync(name, cancellationToken);
}
