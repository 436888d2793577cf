using System.Reflection;
using System.Text;

namespace Gristmill.Cli.Infrastructure;

/// <summary>The template of 'mill new' and of 'dotnet new gristmill': the files under Templates/pipeline, with names put in.</summary>
internal static class ProjectTemplate
{
    private const string Prefix = "template/";
    private const string NamePlace = "MILL_NAME";
    private const string IdentifierPlace = "MillName";
    private const string VersionPlace = "MILL_VERSION";

    /// <summary>Words that cannot name a class, and names that the template itself uses.</summary>
    private static readonly HashSet<string> s_taken = new(StringComparer.OrdinalIgnoreCase) { "Gristmill", "Pipeline", "PipelineTests", "Mill", "Description", "System", "Xunit", "Program" };

    /// <summary>The version that the packages of this program have.</summary>
    public static string Version { get; } =
        typeof(ProjectTemplate).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    /// <summary>The class that a project's name gives: "churn-model" is ChurnModel.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: it gives none.</exception>
    public static string Identifier(string name)
    {
        GristmillName.Require(name, "project");
        if (!char.IsAsciiLetter(name[0]))
        {
            throw new GristmillException(ErrorCodes.Invalid, $"'{name}' cannot name a project: it becomes the name of a class, which starts with a letter.", "Choose another name.");
        }

        var identifier = string.Concat(name.Split('-', '_', '.').Where(part => part.Length > 0).Select(part => char.ToUpperInvariant(part[0]) + part[1..]));
        return s_taken.Contains(identifier)
            ? throw new GristmillException(ErrorCodes.Invalid, $"'{name}' cannot name a project: the name is taken by a library.", "Choose another name, such as 'churn-model'.")
            : identifier;
    }

    /// <summary>Writes the project.</summary>
    /// <param name="name">The project's name.</param>
    /// <param name="folder">A folder that does not exist or is empty.</param>
    /// <returns>The files, relative to the folder.</returns>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Conflict"/>: there is something in the folder; <see cref="ErrorCodes.Invalid"/>: a bad name, or a folder that cannot be written.</exception>
    public static IReadOnlyList<string> Write(string name, string folder)
    {
        var identifier = Identifier(name);
        if (File.Exists(folder))
        {
            throw new GristmillException(ErrorCodes.Conflict, $"'{folder}' is a file.", "Choose another name, or another folder with --output.");
        }

        if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())
        {
            throw new GristmillException(ErrorCodes.Conflict, $"The folder '{folder}' is not empty.", "Choose another name, or another folder with --output; nothing was written.");
        }

        var assembly = typeof(ProjectTemplate).Assembly;
        var written = new List<string>();
        try
        {
            foreach (var resource in assembly.GetManifestResourceNames().Where(n => n.StartsWith(Prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal))
            {
                using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!, Encoding.UTF8);
                var file = Fill(resource[Prefix.Length..].Replace('\\', '/'));
                var target = Path.Combine(folder, file);
                Directory.CreateDirectory(Path.GetDirectoryName(target)!);
                File.WriteAllText(target, Fill(reader.ReadToEnd()));
                written.Add(file);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"The project cannot be written to '{folder}': {e.Message}", "Choose another folder with --output.", e);
        }

        return written;

        string Fill(string text) => text.Replace(NamePlace, name, StringComparison.Ordinal).Replace(IdentifierPlace, identifier, StringComparison.Ordinal)
            .Replace(VersionPlace, Version, StringComparison.Ordinal);
    }
}
