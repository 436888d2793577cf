using Gristmill.Engines;

namespace Gristmill.Testing;

/// <summary>What a test wants of a stage instead of what it does.</summary>
internal sealed class StageDouble
{
    /// <summary>The stage's name, or null where the method says which.</summary>
    public string? Stage { get; init; }

    /// <summary>The method whose calls are meant, or null.</summary>
    public System.Reflection.MethodInfo? Method { get; init; }

    /// <summary>Waits first.</summary>
    public HeldStage? Hold { get; init; }

    /// <summary>Attempts that fail.</summary>
    public int Failing { get; init; }

    /// <summary>What they fail with.</summary>
    public Func<StageRequest, Exception>? Error { get; init; }

    /// <summary>Takes the place of the stage.</summary>
    public Func<StageContext, CancellationToken, Task<StageOutputs>>? Run { get; init; }

    public bool Matches(StageRequest request) => Stage is not null ? request.Stage == Stage : Calls(request);

    private bool Calls(StageRequest request)
    {
        if (request.Operation != StageOperations.Code)
        {
            return false;
        }

        var call = System.Text.Json.JsonSerializer.Deserialize<CodeCallOptions>(request.Options, GristmillJson.Options)!;
        return call.Method == Method!.Name && call.Type == Method.DeclaringType!.FullName
            && (call.Assembly is null || call.Assembly == Method.DeclaringType.Assembly.GetName().Name);
    }
}
