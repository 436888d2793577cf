using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Gristmill.Architecture;

/// <summary>Versions are exact, locked and named in the notices.</summary>
public sealed partial class PackageTests
{
    [Fact]
    public void Central_versions_are_exact()
    {
        var versions = XDocument.Load(Path.Combine(Repository.Root, "Directory.Packages.props")).Descendants("PackageVersion")
            .Select(e => (Name: e.Attribute("Include")!.Value, Version: e.Attribute("Version")!.Value));
        Assert.DoesNotContain(versions, package => !ExactVersion().IsMatch(package.Version));
    }

    [Fact]
    public void Every_locked_package_stands_in_the_notices()
    {
        var notices = File.ReadAllText(Path.Combine(Repository.Root, "THIRD-PARTY-NOTICES.md"));
        var missing = Locked().Where(package => !notices.Contains($"| {package.Name} | {package.Version} |", StringComparison.OrdinalIgnoreCase))
            .Select(package => $"{package.Name} {package.Version}").Distinct().Order();
        Assert.Empty(missing);
    }

    [Fact]
    public void Lock_files_name_no_registry()
    {
        var files = Directory.EnumerateFiles(Repository.Root, "package*.lock.json", SearchOption.AllDirectories)
            .Concat(Directory.EnumerateFiles(Path.Combine(Repository.Root, "samples"), "package-lock.json", SearchOption.AllDirectories))
            .Where(file => !file.Contains("/node_modules/", StringComparison.Ordinal) && !file.Contains("/artifacts/", StringComparison.Ordinal));
        Assert.DoesNotContain(files, file => File.ReadAllText(file).Contains("\"resolved\": \"http", StringComparison.Ordinal));
    }

    private static IEnumerable<(string Name, string Version)> Locked() =>
        from project in Repository.Projects
        let file = Path.Combine(Path.GetDirectoryName(project.File)!, "packages.lock.json")
        from framework in JsonDocument.Parse(File.ReadAllText(file)).RootElement.GetProperty("dependencies").EnumerateObject()
        from package in framework.Value.EnumerateObject()
        where package.Value.GetProperty("type").GetString() != "Project"
        select (package.Name, package.Value.GetProperty("resolved").GetString()!);

    [GeneratedRegex(@"^\d+(\.\d+){1,3}(-[a-z]+(\.\d+)*)?$")]
    private static partial Regex ExactVersion();
}
