using System.Collections.Immutable;

namespace Gristmill.Grains.Runs;

/// <summary>Looks up the secrets that a stage's options name.</summary>
internal static class StageSecrets
{
    /// <summary>The secrets by name.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.SecretMissing"/>, naming the secret.</exception>
    public static async Task<ImmutableDictionary<string, string>> FindAsync(string stage, string options, ISecretStore secrets, CancellationToken cancellationToken)
    {
        var found = ImmutableDictionary<string, string>.Empty;
        if (!options.Contains("$secret", StringComparison.Ordinal))
        {
            return found;
        }

        foreach (var name in OptionsTemplate.References(options).Select(static reference => reference.Secret).OfType<string>().Distinct(StringComparer.Ordinal))
        {
            found = found.SetItem(name, await secrets.FindAsync(name, cancellationToken) ?? throw new GristmillException(
                ErrorCodes.SecretMissing,
                $"Stage '{stage}' needs the secret '{name}', which this silo does not have.",
                $"Set {EnvironmentSecretStore.Variable(name)} in the silo's environment, or write the file secrets/{name} in its data folder, mode 0600.").With("secret", name));
        }

        return found;
    }
}
