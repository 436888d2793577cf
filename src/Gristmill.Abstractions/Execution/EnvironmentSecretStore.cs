namespace Gristmill;

/// <summary>Secrets in the environment of the silo: "warehouse-password" is GRISTMILL_SECRET_WAREHOUSE_PASSWORD.</summary>
public class EnvironmentSecretStore : ISecretStore
{
    private const string VariablePrefix = "GRISTMILL_SECRET_";

    /// <summary>The variable of a secret.</summary>
    public static string Variable(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return VariablePrefix + name.ToUpperInvariant().Replace('-', '_').Replace('.', '_');
    }

    /// <inheritdoc/>
    public virtual ValueTask<string?> FindAsync(string name, CancellationToken cancellationToken)
    {
        var value = Environment.GetEnvironmentVariable(Variable(name));
        return ValueTask.FromResult(string.IsNullOrEmpty(value) ? null : value);
    }
}
