namespace Gristmill.Data.Tests;

/// <summary>Hands progress on at once, on the thread that reports it.</summary>
internal sealed class Told(Action<FlowProgress> tell) : IProgress<FlowProgress>
{
    public void Report(FlowProgress value) => tell(value);
}
