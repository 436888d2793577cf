namespace Gristmill.Architecture;

/// <summary>
/// References point one way: Abstractions, Objects, Engines, Engines.*, Data, Worker and Grains, Hosting, Silo. The client sees
/// Abstractions, and Objects for Arrow's messages, and nothing native.
/// </summary>
public sealed class ReferenceTests
{
    /// <summary>What each project may reference, directly. A project that is not listed fails: decide where it belongs.</summary>
    private static readonly Dictionary<string, string[]> s_allowed = new()
    {
        ["Gristmill.Abstractions"] = [],
        ["Gristmill.Objects"] = ["Gristmill.Abstractions"],
        ["Gristmill.Plots"] = ["Gristmill.Abstractions"],
        ["Gristmill.Engines"] = ["Gristmill.Objects", "Gristmill.Plots"],
        ["Gristmill.Engines.Sql"] = ["Gristmill.Engines"],
        ["Gristmill.Data"] = ["Gristmill.Engines.Sql"],
        ["Gristmill.Engines.Torch"] = ["Gristmill.Engines"],
        ["Gristmill.Engines.MLNet"] = ["Gristmill.Engines"],
        ["Gristmill.Engines.Onnx"] = ["Gristmill.Engines"],
        ["Gristmill.Storage.Sqlite"] = ["Gristmill.Abstractions"],
        ["Gristmill.Storage.Postgres"] = ["Gristmill.Abstractions"],
        ["Gristmill.Worker"] = ["Gristmill.Engines", "Gristmill.Engines.Sql", "Gristmill.Data", "Gristmill.Engines.Torch", "Gristmill.Engines.MLNet", "Gristmill.Engines.Onnx"],
        ["Gristmill.Grains"] = ["Gristmill.Abstractions"],
        ["Gristmill.Hosting"] = ["Gristmill.Grains", "Gristmill.Worker", "Gristmill.Storage.Sqlite", "Gristmill.Storage.Postgres"],
        ["Gristmill.Silo"] = ["Gristmill.Hosting"],
        ["Gristmill.Client"] = ["Gristmill.Abstractions", "Gristmill.Objects"],
        ["Gristmill"] = ["Gristmill.Client", "Gristmill.Hosting", "Gristmill.Analyzers", "Gristmill.Analyzers.CodeFixes"],
        ["Gristmill.Analyzers"] = [],
        ["Gristmill.Analyzers.CodeFixes"] = ["Gristmill.Analyzers"],
        ["Gristmill.Testing"] = ["Gristmill"],
        ["Gristmill.Templates"] = [],
        ["Gristmill.Cli"] = ["Gristmill.Client"],
    };

    /// <summary>Heavy dependencies and the projects that may take each: one, unless it does two jobs.</summary>
    private static readonly Dictionary<string, string> s_homes = new()
    {
        ["DuckDB.NET"] = "Gristmill.Engines.Sql",
        ["ParquetSharp"] = "Gristmill.Engines.Sql",
        ["TorchSharp"] = "Gristmill.Engines.Torch",
        ["libtorch"] = "Gristmill.Engines.Torch",
        ["Microsoft.ML.OnnxRuntime"] = "Gristmill.Engines.Onnx",
        ["Microsoft.ML"] = "Gristmill.Engines.MLNet",
        ["LightGBM"] = "Gristmill.Engines.MLNet",
        ["OxyPlot"] = "Gristmill.Plots",
        // Where state is kept, and where users' own databases are read.
        ["Microsoft.Data.Sqlite"] = "Gristmill.Storage.Sqlite|Gristmill.Data",
        ["Npgsql"] = "Gristmill.Storage.Postgres|Gristmill.Data",
        ["SkiaSharp"] = "Gristmill.Data",
        ["AWSSDK"] = "Gristmill.Data",
        ["Azure.Storage"] = "Gristmill.Data",
        ["Spectre.Console"] = "Gristmill.Cli|Gristmill",
        ["System.CommandLine"] = "Gristmill.Cli|Gristmill",
    };

    [Fact]
    public void Projects_reference_only_what_lies_below_them()
    {
        var wrong = Repository.Projects.SelectMany(project =>
            s_allowed.TryGetValue(project.Name, out var allowed)
                ? project.Projects.Except(allowed).Select(other => $"{project.Name} references {other}")
                : [$"{project.Name} has no place in the order of references: give it one in this test"]);
        Assert.Empty(wrong);
    }

    [Fact]
    public void Heavy_packages_have_one_home()
    {
        var wrong =
            from project in Repository.Projects
            from package in project.Packages
            from home in s_homes.OrderByDescending(h => h.Key.Length).Where(h => package.StartsWith(h.Key, StringComparison.OrdinalIgnoreCase)).Take(1)
            where !home.Value.Split('|').Contains(project.Name)
            select $"{project.Name} takes {package}, whose home is {home.Value}";
        Assert.Empty(wrong);
    }

    [Fact]
    public void Grains_name_engines_and_never_reference_one()
    {
        var references = typeof(Grains.GristmillGrainsExtensions).Assembly.GetReferencedAssemblies().Select(a => a.Name!);
        Assert.DoesNotContain(references, name => name.StartsWith("Gristmill.Engines", StringComparison.Ordinal) || name is "Gristmill.Objects" or "Apache.Arrow");
    }

    [Fact]
    public void Native_calls_stay_in_interop_folders_and_pointers_there_and_in_bridges()
    {
        var wrong =
            from project in Repository.Projects
            where project.Name != "Gristmill.Objects"
            from file in Repository.Sources(project)
            where !file.Contains("/Interop/", StringComparison.Ordinal)
            let text = File.ReadAllText(file)
            where text.Contains("LibraryImport(", StringComparison.Ordinal) || text.Contains("DllImport(", StringComparison.Ordinal) ||
                  (text.Contains("unsafe ", StringComparison.Ordinal) && !file.Contains("/Bridges/", StringComparison.Ordinal))
            select Path.GetRelativePath(Repository.Root, file);
        Assert.Empty(wrong);
    }

    [Fact]
    public void No_file_outgrows_six_hundred_lines()
    {
        var wrong =
            from project in Repository.Projects
            from file in Repository.Sources(project)
            let lines = File.ReadLines(file).Count()
            where lines > 600
            select $"{Path.GetRelativePath(Repository.Root, file)}: {lines}";
        Assert.Empty(wrong);
    }
}
