using System.Collections.Immutable;

namespace Gristmill.Engines.MLNet;

/// <summary>Options that all trainers over a table share.</summary>
public abstract record TabularOptions
{
    /// <summary>The column to predict: a number, a boolean or text (a class name).</summary>
    public required string Label { get; init; }
    /// <summary>Columns to take as categories whatever their type; text columns are taken so anyway.</summary>
    public ImmutableArray<string> Categorical { get; init; } = [];
    /// <summary>Columns not to use.</summary>
    public ImmutableArray<string> Exclude { get; init; } = [];
    /// <summary>What to do with which column.</summary>
    /// <value>null: numbers imputed, text as categories.</value>
    public FeaturePlan? Features { get; init; }
    /// <summary>What to predict.</summary>
    /// <value>null: multiclass for text labels, binary where all labels are 0 or 1, else regression.</value>
    public ModelTask? Task { get; init; }
    /// <summary>Seed of everything random: equal seeds, data, options and threads give equal models.</summary>
    /// <value>1</value>
    public int Seed { get; init; } = 1;

    /// <summary>What is wrong with the values, each naming its option and range.</summary>
    internal virtual IEnumerable<string> Validate()
    {
        if (string.IsNullOrWhiteSpace(Label))
        {
            yield return "label must name a column";
        }

        if (Task is ModelTask.Tensor)
        {
            yield return "task must be binary, regression or multiclass";
        }
    }

    /// <summary>Throws if an option is out of range, with all that is wrong at once.</summary>
    internal void ThrowIfInvalid(string stage)
    {
        var wrong = Validate().ToList();
        if (wrong.Count > 0)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"Stage '{stage}': {string.Join("; ", wrong)}.", "Correct the options.");
        }
    }
}
