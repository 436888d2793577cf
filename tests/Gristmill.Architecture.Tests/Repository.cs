using System.Xml.Linq;

namespace Gristmill.Architecture;

/// <summary>The checkout these tests look at.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    public static IEnumerable<Project> Projects { get; } =
        new[] { "src", "grains", "silo", "client" }
            .SelectMany(folder => Directory.EnumerateFiles(Path.Combine(Root, folder), "*.csproj", SearchOption.AllDirectories))
            // What 'mill new' writes is no project of ours.
            .Where(file => !file.Contains("/Templates/", StringComparison.Ordinal))
            .Select(Project.Load)
            .ToArray();

    public static IEnumerable<string> Sources(Project project) =>
        Directory.EnumerateFiles(Path.GetDirectoryName(project.File)!, "*.cs", SearchOption.AllDirectories);

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Pipelines.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException("These tests run inside a checkout: no Pipelines.sln above " + AppContext.BaseDirectory);
    }
}

internal sealed record Project(string Name, string File, string[] Projects, string[] Packages)
{
    public static Project Load(string file)
    {
        var items = XDocument.Load(file).Descendants();
        return new Project(
            Path.GetFileNameWithoutExtension(file),
            file,
            items.Where(e => e.Name.LocalName == "ProjectReference").Select(e => Path.GetFileNameWithoutExtension(e.Attribute("Include")!.Value)).ToArray(),
            items.Where(e => e.Name.LocalName == "PackageReference").Select(e => e.Attribute("Include")!.Value).ToArray());
    }

    public override string ToString() => Name;
}
