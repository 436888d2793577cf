namespace Gristmill.Engines.Sql.Sampling;

/// <summary>
/// Options of "sql.shuffle": output "out" has each row of input "data" once, in an order that depends on the seed and the number of
/// rows alone.
/// </summary>
public sealed record ShuffleOptions
{
    /// <summary>Seed of the order.</summary>
    /// <value>0.</value>
    public long Seed { get; init; }
}
