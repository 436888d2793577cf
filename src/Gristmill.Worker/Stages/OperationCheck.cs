using System.Text.Json;
using Gristmill.Engines;

namespace Gristmill.Worker;

/// <summary>Checks stages against the engines there are.</summary>
/// <param name="engines">The engines. Those of the stages checked load, which takes no native library.</param>
public sealed class OperationCheck(EngineCatalog engines) : IOperationCheck
{
    private const string ControlPlane = "control.";

    /// <inheritdoc/>
    public string? Problem(StageSpec stage)
    {
        ArgumentNullException.ThrowIfNull(stage);
        if (stage.Operation.StartsWith(ControlPlane, StringComparison.Ordinal))
        {
            return stage.Operation is StageOperations.Register or StageOperations.OneOf or StageOperations.ForEach
                ? null
                : $"there is no operation '{stage.Operation}' (the control plane has {StageOperations.Register}, {StageOperations.OneOf} and {StageOperations.ForEach})";
        }

        try
        {
            var shape = engines.Find(stage.Operation).Operations[stage.Operation];
            using var options = JsonDocument.Parse(stage.Options, new JsonDocumentOptions { MaxDepth = StrictJson.MaxDepth });
            StrictJson.Check(options.RootElement, shape, StageJson.Options, OptionsTemplate.IsPlaceholder);
            return null;
        }
        catch (GristmillException e) when (e.Code == ErrorCodes.Invalid)
        {
            return $"{(e.Error.Details.ContainsKey("path") ? $"its options do not fit {stage.Operation}: " : "")}{e.Error.Message.TrimEnd('.')} ({e.Error.Hint?.TrimEnd('.')})";
        }
        catch (GristmillException)
        {
            // The engine is not to be had on this host. The worker that gets the stage says so.
            return null;
        }
    }
}
