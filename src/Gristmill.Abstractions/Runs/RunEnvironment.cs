using System.Collections.Immutable;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Gristmill;

/// <summary>Where and with what a run was started.</summary>
[GenerateSerializer, Immutable, Alias("gristmill.RunEnvironment")]
public sealed record RunEnvironment
{
    /// <summary>The host's name.</summary>
    [Id(0)] public string Host { get; init; } = "";
    /// <summary>Operating system and processor, such as "Debian GNU/Linux 12 (bookworm), X64".</summary>
    [Id(1)] public string Platform { get; init; } = "";
    /// <summary>The runtime, such as ".NET 10.0.1".</summary>
    [Id(2)] public string Runtime { get; init; } = "";
    /// <summary>Versions of Gristmill and of the libraries that its engines use, by name.</summary>
    [Id(3)] public ImmutableDictionary<string, string> Packages { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>This process's.</summary>
    public static RunEnvironment Current { get; } = new()
    {
        Host = System.Environment.MachineName,
        Platform = $"{RuntimeInformation.OSDescription}, {RuntimeInformation.ProcessArchitecture}",
        Runtime = RuntimeInformation.FrameworkDescription,
        Packages = FindPackages(),
    };

    /// <summary>From the files beside this program: an engine that has not been loaded is not loaded for this.</summary>
    private static ImmutableDictionary<string, string> FindPackages()
    {
        string[] names = ["Gristmill.Abstractions", "Apache.Arrow", "DuckDB.NET.Data", "ParquetSharp", "TorchSharp", "Microsoft.ML.Data", "Microsoft.ML.LightGbm", "Microsoft.ML.OnnxRuntime"];
        var found = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var name in names)
        {
            try
            {
                if (FileVersionInfo.GetVersionInfo(Path.Combine(AppContext.BaseDirectory, name + ".dll")).ProductVersion is { } version)
                {
                    found[name == "Gristmill.Abstractions" ? "Gristmill" : name] = version.Split('+')[0];
                }
            }
            catch (FileNotFoundException)
            {
                // Not beside this program: a single file, or an engine left out.
            }
        }

        return found.ToImmutable();
    }
}
