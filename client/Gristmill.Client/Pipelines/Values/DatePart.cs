namespace Gristmill;

/// <summary>A part of a timestamp to group by or to make a feature of.</summary>
public enum DatePart
{
    /// <summary>The calendar year.</summary>
    Year,
    /// <summary>The month: 1 to 12 as a feature, "2001-04" as a group.</summary>
    Month,
    /// <summary>The day of the month as a feature, the date as a group.</summary>
    Day,
    /// <summary>The day of the week, 0 Sunday to 6 Saturday.</summary>
    Weekday,
    /// <summary>The hour, 0 to 23.</summary>
    Hour,
    /// <summary>The minute, 0 to 59.</summary>
    Minute,
}
