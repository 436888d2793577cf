using System.Text;

namespace Gristmill.Hosting;

/// <summary>Secrets in the environment, and in files of the folder "secrets" of the data folder that nobody but their owner can read.</summary>
/// <param name="root">The data folder.</param>
public sealed class FolderSecretStore(string root) : EnvironmentSecretStore
{
    private const long MaxBytes = 64 << 10;
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    /// <inheritdoc/>
    public override async ValueTask<string?> FindAsync(string name, CancellationToken cancellationToken)
    {
        if (await base.FindAsync(name, cancellationToken) is { } variable)
        {
            return variable;
        }

        // The rule for names lets no separator and no leading dot through.
        if (!GristmillName.IsValid(name))
        {
            return null;
        }

        var file = new FileInfo(Path.Combine(root, "secrets", name));
        if (!file.Exists)
        {
            return null;
        }

        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(file.FullName) & Others) != 0)
        {
            throw Refuse(name, "can be read or written by others than its owner", $"chmod 600 '{file.FullName}'");
        }

        if (file.Length > MaxBytes)
        {
            throw Refuse(name, $"has {file.Length:N0} bytes, and {MaxBytes:N0} are the most", "Keep a shorter one.");
        }

        try
        {
            // Editors end files with a line feed, which is not meant.
            return (await File.ReadAllTextAsync(file.FullName, Encoding.UTF8, cancellationToken)).TrimEnd('\r', '\n');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Refuse(name, $"cannot be read: {e.Message}", "Let the silo's user own it.");
        }
    }

    private static GristmillException Refuse(string name, string why, string hint) =>
        new GristmillException(ErrorCodes.SecretMissing, $"The file of the secret '{name}' {why}.", hint).With("secret", name);
}
