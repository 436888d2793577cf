namespace Gristmill;

/// <summary>The name of something measured.</summary>
/// <param name="Name">As in metrics, such as "auc".</param>
public readonly record struct Metric(string Name)
{
    /// <summary>Area under the ROC curve; more is better.</summary>
    public static Metric Auc => new("auc");
    /// <summary>Mean negative log likelihood in nats; less is better.</summary>
    public static Metric LogLoss => new("logloss");
    /// <summary>Share of rows predicted right; more is better.</summary>
    public static Metric Accuracy => new("accuracy");
    /// <summary>Harmonic mean of precision and recall; more is better.</summary>
    public static Metric F1 => new("f1");
    /// <summary>Root mean squared error, in the label's unit; less is better.</summary>
    public static Metric Rmse => new("rmse");
    /// <summary>Mean absolute error, in the label's unit; less is better.</summary>
    public static Metric Mae => new("mae");

    /// <inheritdoc/>
    public override string ToString() => Name;
}
