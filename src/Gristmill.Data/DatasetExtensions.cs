using Gristmill.Engines;

namespace Gristmill.Data;

/// <summary>Flows in stages.</summary>
public static class DatasetExtensions
{
    /// <summary>A flow over a stage's input, read where it lies in shared memory. A stage's method may return it, or what it makes of it.</summary>
    public static DataFlow Flow(this Dataset dataset) => DataFlow.From(dataset);
}
