namespace Gristmill.Grains.Pipelines;

/// <summary>For silos without engines: every operation may exist.</summary>
internal sealed class AnyOperation : IOperationCheck
{
    public string? Problem(StageSpec stage) => null;
}
