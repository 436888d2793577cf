namespace Gristmill;

/// <summary>What a model predicts.</summary>
public enum ModelTask
{
    /// <summary>The probability of a yes.</summary>
    Binary = 0,
    /// <summary>A number.</summary>
    Regression = 1,
    /// <summary>The probability of each of several classes.</summary>
    Multiclass = 2,
    /// <summary>Tensors in, tensors out, without further meaning.</summary>
    Tensor = 3,
}
