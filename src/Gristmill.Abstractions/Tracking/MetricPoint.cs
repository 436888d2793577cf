using System.Runtime.InteropServices;

namespace Gristmill;

/// <summary>One logged value of a metric.</summary>
/// <param name="Step">The step it was logged for.</param>
/// <param name="Time">When it was logged, in milliseconds since 1970 (UTC).</param>
/// <param name="Value">The value; NaN and infinities are values.</param>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
public readonly record struct MetricPoint(long Step, long Time, double Value);
