using System.Globalization;
using System.Text;

namespace Gristmill.Testing;

/// <summary>A run that has ended, with what became of each stage.</summary>
public sealed class TestRun
{
    internal TestRun(TestCluster cluster, RunView view)
    {
        View = view;
        Stages = [.. view.Stages.Select(stage => new TestStage(cluster, stage))];
    }

    /// <summary>All there is to know.</summary>
    public RunView View { get; }

    /// <summary>Its id.</summary>
    public string Id => View.Id;

    /// <summary>The pipeline's name.</summary>
    public string Pipeline => View.Pipeline;

    /// <summary>How it ended.</summary>
    public RunStatus Status => View.Status;

    /// <summary>Why it failed, or null.</summary>
    public ErrorInfo? Error => View.Error;

    /// <summary>Its stages, in the order of the pipeline.</summary>
    public IReadOnlyList<TestStage> Stages { get; }

    /// <summary>One stage.</summary>
    /// <param name="stage">Its name.</param>
    /// <exception cref="KeyNotFoundException">There is none of this name; the message names those there are.</exception>
    public TestStage this[string stage] => Stages.FirstOrDefault(s => s.Name == stage)
        ?? throw new KeyNotFoundException($"The run has no stage '{stage}'; it has {string.Join(", ", Stages.Select(s => s.Name))}.");

    /// <summary>Throws unless it succeeded, and says what every stage came to.</summary>
    /// <returns>This.</returns>
    /// <exception cref="GristmillException">The run's error, with what every stage came to.</exception>
    public TestRun EnsureSucceeded() => Status == RunStatus.Succeeded
        ? this
        : throw new GristmillException(Error?.Code ?? ErrorCodes.StageFailed, ToString(), Error?.Hint);

    /// <inheritdoc/>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"Run {Id} of {View.Pipeline}: {Status}");
        foreach (var stage in Stages)
        {
            text.Append('\n').Append("  ").Append(stage);
        }

        return text.ToString();
    }
}
