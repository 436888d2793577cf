namespace Gristmill.Data.Execution;

/// <summary>A part of a flow stops since another part has failed or nobody reads any more. Users never see it: they get what the other part failed with.</summary>
internal sealed class FlowEndedException() : OperationCanceledException("The flow has ended.");
