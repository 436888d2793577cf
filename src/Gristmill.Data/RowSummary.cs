using System.Runtime.CompilerServices;

namespace Gristmill.Data;

/// <summary>Numbers of rows, summed up.</summary>
/// <param name="Count">How many.</param>
/// <param name="Sum">Their sum.</param>
/// <param name="Min">The least; not a number where there are none.</param>
/// <param name="Max">The greatest; not a number where there are none.</param>
public readonly record struct RowSummary(long Count, double Sum, double Min, double Max)
{
    /// <summary>Their mean; not a number where there are none.</summary>
    public double Mean => Sum / Count;

    internal static RowSummary None => new(0, 0, double.NaN, double.NaN);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal RowSummary Add(double value) => new(Count + 1, Sum + value, Count == 0 || value < Min ? value : Min, Count == 0 || value > Max ? value : Max);

    internal RowSummary Add(RowSummary other) => other.Count == 0 ? this : Count == 0 ? other
        : new(Count + other.Count, Sum + other.Sum, Math.Min(Min, other.Min), Math.Max(Max, other.Max));
}
