namespace Gristmill.Engines.Features;

/// <summary>What a field of a JSON row holds.</summary>
internal enum CellKind
{
    Missing = 0,
    Number = 1,
    Boolean = 2,
    Timestamp = 3,
    Text = 4,
}

/// <summary>One field of a JSON row, without references, so that a row fits the stack.</summary>
internal struct Cell
{
    public CellKind Kind;

    /// <summary>The number or boolean; NaN if missing.</summary>
    public double Number;

    /// <summary>The value to look up, for numbers, booleans and instants (microseconds since 1970).</summary>
    public NumberKey Key;

    /// <summary>Where the row's text buffer holds it.</summary>
    public int TextStart;

    /// <summary>Bytes of text.</summary>
    public int TextLength;
}
