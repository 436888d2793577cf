using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Gristmill.Worker;

/// <summary>
/// The versions of what runs an operation: the engine's assembly and all it refers to that comes with it. They are read from
/// the files, so that asking loads no engine into the silo. A module's id changes with its code: builds are deterministic.
/// </summary>
internal static class EngineVersions
{
    private static readonly ConcurrentDictionary<string, IReadOnlyList<(string Name, string Value)>> Known = new(StringComparer.Ordinal);

    /// <summary>What an operation's result depends on besides its options and inputs.</summary>
    public static IReadOnlyList<(string Name, string Value)> Of(string operation) => Known.GetOrAdd(Assembly(operation), static assembly =>
    [
        ("engine", Closure(assembly)),
        ("platform", $"{RuntimeInformation.RuntimeIdentifier.Split('-')[0]} {RuntimeInformation.ProcessArchitecture} .NET {Environment.Version.Major}.{Environment.Version.Minor}".ToLowerInvariant()),
    ]);

    // Users' code has its own libraries' versions in its digest.
    private static string Assembly(string operation) => operation.Split('.')[0] switch
    {
        "sql" => "Gristmill.Engines.Sql",
        "torch" => "Gristmill.Engines.Torch",
        "lightgbm" or "mlnet" => "Gristmill.Engines.MLNet",
        "onnx" => "Gristmill.Engines.Onnx",
        "core" when operation is StageOperations.Evaluate or StageOperations.Predict or StageOperations.Best => "Gristmill.Worker",
        _ => "Gristmill.Engines",
    };

    private static string Closure(string assembly) => AssemblyVersions.Of(assembly, [AppContext.BaseDirectory]) is { } version
        ? $"{assembly} {version}"
        : throw new FileNotFoundException($"The engine '{assembly}' is not beside this program.", assembly + ".dll");
}
