using System.Collections.Immutable;
using System.Text.Json;

namespace Gristmill.Engines.Sql.Checking;

/// <summary>
/// Options of "sql.check". Input "data" is looked at once, whatever the number of rules; output "out" is the same table, "metrics"
/// has "rows", "failedRules", and the number of rows that break each rule by its name, and "findings" is the list of what was
/// found, in words.
/// </summary>
public sealed record CheckOptions
{
    /// <summary>The rules, 1 to 200.</summary>
    public required ImmutableArray<CheckRule> Rules { get; init; }

    /// <summary>What a rule that is broken does: fails the stage, or is only told.</summary>
    /// <value><see cref="CheckAction.Block"/></value>
    public CheckAction Action { get; init; }

    /// <summary>The instant that ages are counted from.</summary>
    /// <value>null: when the stage runs.</value>
    public DateTimeOffset? AsOf { get; init; }
}

/// <summary>One rule.</summary>
public sealed record CheckRule
{
    /// <summary>What it checks.</summary>
    public required CheckKind Kind { get; init; }

    /// <summary>Its column, for rules of one column.</summary>
    public string? Column { get; init; }

    /// <summary>Its columns, for <see cref="CheckKind.Unique"/>.</summary>
    public ImmutableArray<string>? Columns { get; init; }

    /// <summary>Least number of rows, or least value: a number, or for dates <c>{"$date":..}</c> or <c>{"$timestamp":..}</c>.</summary>
    public JsonElement? Min { get; init; }

    /// <summary>Greatest number of rows, or greatest value.</summary>
    public JsonElement? Max { get; init; }

    /// <summary>The values that are allowed, for <see cref="CheckKind.OneOf"/>.</summary>
    public ImmutableArray<JsonElement>? Values { get; init; }

    /// <summary>Greatest age of the newest row, for <see cref="CheckKind.Fresh"/>.</summary>
    public TimeSpan? MaxAge { get; init; }

    /// <summary>Columns and their types, for <see cref="CheckKind.Schema"/>.</summary>
    public ImmutableDictionary<string, CheckType>? Schema { get; init; }

    /// <summary>A condition in SQL over the columns of a row, for <see cref="CheckKind.Where"/>: rows where it is not true break the rule.</summary>
    public string? Sql { get; init; }
}

/// <summary>What a rule checks.</summary>
public enum CheckKind
{
    /// <summary>The number of rows.</summary>
    Rows,
    /// <summary>No value of a column is null.</summary>
    NotNull,
    /// <summary>Values of a column lie in a range; nulls do.</summary>
    Range,
    /// <summary>Values of a column are among some; nulls are.</summary>
    OneOf,
    /// <summary>No two rows have the same values in some columns; rows with a null in them do not count.</summary>
    Unique,
    /// <summary>The newest value of a time column is not too old.</summary>
    Fresh,
    /// <summary>Columns are there and have their types.</summary>
    Schema,
    /// <summary>A condition of one's own holds for every row.</summary>
    Where,
}

/// <summary>What a broken rule does.</summary>
public enum CheckAction
{
    /// <summary>The stage fails, and what takes the table from it does not run.</summary>
    Block,
    /// <summary>It is told in the metrics and findings alone.</summary>
    Warn,
}

/// <summary>A column's type, as checks tell them apart.</summary>
public enum CheckType
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
