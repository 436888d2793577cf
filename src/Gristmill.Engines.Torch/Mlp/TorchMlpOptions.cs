using System.Collections.Immutable;

namespace Gristmill.Engines.Torch;

/// <summary>Options of <see cref="StageOperations.TrainTorchMlp"/>: a multi-layer perceptron over a table, with embeddings for categories.</summary>
public sealed record TorchMlpOptions
{
    /// <summary>The column to predict.</summary>
    public required string Label { get; init; }

    /// <summary>What to learn.</summary>
    /// <value>null: binary for booleans, for the numbers 0 and 1 and for text of two values; multiclass for other text; regression for other numbers.</value>
    public ModelTask? Task { get; init; }

    /// <summary>What to make features of.</summary>
    /// <value>null: all columns but the label and <see cref="Exclude"/>; numbers standardised; text, integers of at most 64 neighbouring values (hours, weekdays) and <see cref="Categorical"/> as categories.</value>
    public FeaturePlan? Features { get; init; }

    /// <summary>Columns to take as categories whatever their type; only without <see cref="Features"/>.</summary>
    public ImmutableArray<string> Categorical { get; init; } = [];

    /// <summary>Columns not to use; only without <see cref="Features"/>.</summary>
    public ImmutableArray<string> Exclude { get; init; } = [];

    /// <summary>Units of the hidden layers.</summary>
    /// <value>[128, 64]</value>
    public ImmutableArray<int> Hidden { get; init; } = [128, 64];

    /// <summary>Largest size of a category's embedding; columns of few categories take less.</summary>
    /// <value>16</value>
    public int Embedding { get; init; } = 16;

    /// <summary>Passes over the rows, at most.</summary>
    /// <value>4</value>
    public int Epochs { get; init; } = 4;

    /// <summary>Rows a step, at most; a small table takes a fiftieth of its rows, but at least 32.</summary>
    /// <value>8192</value>
    public int BatchSize { get; init; } = 8192;

    /// <summary>Highest learning rate: it rises over the first twentieth of the steps and falls to a hundredth along a cosine.</summary>
    /// <value>0.002</value>
    public double LearningRate { get; init; } = 2e-3;

    /// <summary>Decoupled weight decay (AdamW).</summary>
    /// <value>0: plain Adam</value>
    public double WeightDecay { get; init; }

    /// <summary>Epochs without a better validation loss after which training ends. The best epoch's weights are kept in any case.</summary>
    /// <value>2</value>
    public int Patience { get; init; } = 2;

    /// <summary>Share of the rows held back at random for validation where there is no input "validation"; at most 100,000 rows.</summary>
    /// <value>0.05</value>
    public double ValidationFraction { get; init; } = 0.05;

    /// <summary>Seed of initial weights, order of rows and dropout: equal seeds, data and threads give equal models.</summary>
    /// <value>42</value>
    public int Seed { get; init; } = 42;

    /// <summary>Share of hidden units dropped in training.</summary>
    /// <value>0</value>
    public double Dropout { get; init; }

    /// <summary>Checks every option, and reports all that is wrong at once.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>.</exception>
    public void Validate()
    {
        var wrong = new List<string>();
        Check(!string.IsNullOrEmpty(Label), "label must name a column");
        Check(Task is not ModelTask.Tensor, "task must be binary, regression or multiclass");
        Check(!Hidden.IsDefault && Hidden.Length <= 16 && Hidden.All(h => h is > 0 and <= 16_384), "hidden must be up to 16 sizes of 1 to 16384");
        Check(Embedding is > 0 and <= 1024, $"embedding is {Embedding}, not 1 to 1024");
        Check(Epochs is > 0 and <= 10_000, $"epochs is {Epochs}, not 1 to 10000");
        Check(BatchSize is > 0 and <= 1 << 20, $"batchSize is {BatchSize}, not 1 to {1 << 20}");
        Check(LearningRate is > 0 and <= 10, $"learningRate is {LearningRate}, not above 0 and up to 10");
        Check(WeightDecay is >= 0 and <= 10, $"weightDecay is {WeightDecay}, not 0 to 10");
        Check(Patience >= 1, $"patience is {Patience}, not 1 or more");
        Check(ValidationFraction is > 0 and < 0.9, $"validationFraction is {ValidationFraction}, not between 0 and 0.9");
        Check(Dropout is >= 0 and < 1, $"dropout is {Dropout}, not 0 to below 1");
        Check(Features is null || (Categorical.IsDefaultOrEmpty && Exclude.IsDefaultOrEmpty), "categorical and exclude go without features: say it in the plan");
        if (wrong.Count > 0)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"Options of {StageOperations.TrainTorchMlp}: {string.Join("; ", wrong)}.");
        }

        void Check(bool fine, string what)
        {
            if (!fine)
            {
                wrong.Add(what);
            }
        }
    }
}
