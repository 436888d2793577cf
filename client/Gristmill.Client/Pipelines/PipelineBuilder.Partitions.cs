namespace Gristmill;

// Partitions.
public sealed partial class PipelineBuilder
{
    /// <summary>
    /// Partitions the pipeline: <c>var month = p.PartitionBy.Month("month", from: new DateOnly(2001, 1, 1))</c> gives key, start and end of a
    /// run's partition as parameters.
    /// </summary>
    public Partitioning PartitionBy => field ??= new Partitioning(this);
}
