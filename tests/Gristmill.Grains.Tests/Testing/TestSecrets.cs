namespace Gristmill.Grains.Testing;

/// <summary>The environment's secrets, and one called "s".</summary>
internal sealed class TestSecrets : EnvironmentSecretStore
{
    public override ValueTask<string?> FindAsync(string name, CancellationToken cancellationToken) =>
        name == "s" ? ValueTask.FromResult<string?>("a secret of tests") : base.FindAsync(name, cancellationToken);
}
