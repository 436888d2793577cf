namespace Gristmill;

/// <summary>A column's type, as checks tell them apart.</summary>
public enum CheckColumn
{
    /// <summary>Text.</summary>
    Text,
    /// <summary>An integer of any size.</summary>
    Integer,
    /// <summary>A float or decimal of any size.</summary>
    Number,
    /// <summary>True or false.</summary>
    Boolean,
    /// <summary>A date.</summary>
    Date,
    /// <summary>A timestamp, with or without a time zone.</summary>
    Timestamp,
}
