namespace Gristmill;

/// <summary>Says of a stage, before it is stored, whether its operation exists and takes its options.</summary>
public interface IOperationCheck
{
    /// <summary>What is wrong with a stage.</summary>
    /// <param name="stage">The stage. Placeholders in its options (<see cref="OptionsTemplate"/>) fit everywhere: their values are not known yet.</param>
    /// <returns>A sentence without its stage's name, or null if nothing is.</returns>
    string? Problem(StageSpec stage);
}
