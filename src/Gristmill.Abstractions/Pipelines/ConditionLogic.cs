using System.Globalization;
using System.Text.Json;

namespace Gristmill;

/// <summary>Whether a condition holds, and in words why.</summary>
/// <param name="Holds">Null: it depends on a stage that was skipped or failed.</param>
/// <param name="Why">The comparisons that decided, such as "best.score is 0.5, not &gt; 0.66".</param>
public readonly record struct ConditionResult(bool? Holds, string Why);

/// <summary>Decides conditions in three values: what a stage that did not succeed would have said is unknown.</summary>
public static class ConditionLogic
{
    /// <summary>Comparisons and combinations in one condition.</summary>
    public const int MaxParts = 1000;

    /// <summary>Comparison operators.</summary>
    public static IReadOnlyList<string> Operators { get; } = [">", ">=", "<", "<=", "==", "!="];

    /// <summary>Decides.</summary>
    /// <param name="condition">The condition.</param>
    /// <param name="resolve">What a placeholder stands for, or null where that is unknown.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: things are compared that cannot be.</exception>
    public static ConditionResult Evaluate(ConditionSpec condition, Func<OptionsReference, ConditionOperand?> resolve)
    {
        ArgumentNullException.ThrowIfNull(condition);
        ArgumentNullException.ThrowIfNull(resolve);
        if (condition.Not is { } not)
        {
            var inner = Evaluate(not, resolve);
            return inner with { Holds = !inner.Holds };
        }

        // "All" is decided by one that does not hold, "any" by one that does.
        return condition.All is { } all ? Combine(all, decides: false, resolve)
            : condition.Any is { } any ? Combine(any, decides: true, resolve)
            : Compare(condition, resolve);
    }

    /// <summary>The placeholders in a condition.</summary>
    /// <exception cref="FormatException">One is malformed.</exception>
    public static IEnumerable<OptionsReference> References(ConditionSpec condition)
    {
        ArgumentNullException.ThrowIfNull(condition);
        return condition.Not is { } not ? References(not)
            : (condition.All ?? condition.Any) is { } parts ? parts.SelectMany(References)
            : new[] { Left(condition), Reference(condition.Value) }.OfType<OptionsReference>();
    }

    /// <summary>Every part of a condition, itself included.</summary>
    public static IEnumerable<ConditionSpec> Parts(ConditionSpec condition)
    {
        ArgumentNullException.ThrowIfNull(condition);
        var open = new Stack<ConditionSpec>([condition]);
        while (open.TryPop(out var part))
        {
            yield return part;
            foreach (var inner in (part.All ?? part.Any ?? []).Append(part.Not).Where(static inner => inner is not null))
            {
                open.Push(inner!);
            }
        }
    }

    /// <summary>The condition as people read it: <c>best.score &gt; 0.66 and not (mode == "full")</c>.</summary>
    public static string Text(ConditionSpec condition)
    {
        ArgumentNullException.ThrowIfNull(condition);
        return condition.Not is { } not ? $"not ({Text(not)})"
            : condition.All is { } all ? string.Join(" and ", all.Select(Inner))
            : condition.Any is { } any ? string.Join(" or ", any.Select(Inner))
            : $"{LeftText(condition)} {condition.Operator} {ValueText(condition.Value)}";

        static string Inner(ConditionSpec part) => part.All is not null || part.Any is not null ? $"({Text(part)})" : Text(part);
    }

    private static ConditionResult Combine(IReadOnlyList<ConditionSpec> parts, bool decides, Func<OptionsReference, ConditionOperand?> resolve)
    {
        var results = parts.Select(part => Evaluate(part, resolve)).ToList();
        foreach (var result in results)
        {
            if (result.Holds == decides)
            {
                return result;
            }
        }

        return results.Find(static result => result.Holds is null) is { Why: not null } unknown
            ? unknown
            : new ConditionResult(!decides, string.Join(" and ", results.Select(static result => result.Why)));
    }

    private static ConditionResult Compare(ConditionSpec condition, Func<OptionsReference, ConditionOperand?> resolve)
    {
        var (left, right) = (Resolve(Left(condition), condition.Left, resolve), Resolve(Reference(condition.Value), condition.Value, resolve));
        if (left is null || right is null)
        {
            var reference = left is null ? Left(condition)! : Reference(condition.Value)!;
            return new ConditionResult(null, $"'{reference.Stage ?? reference.Loop}' did not succeed");
        }

        var holds = Holds(condition, left, right);
        var than = Reference(condition.Value) is null ? ValueText(condition.Value) : $"{ValueText(condition.Value)}, which is {right}";
        return new ConditionResult(holds, string.Create(CultureInfo.InvariantCulture, $"{LeftText(condition)} is {left}, {(holds ? "" : "not ")}{condition.Operator} {than}"));
    }

    private static bool Holds(ConditionSpec condition, ConditionOperand left, ConditionOperand right)
    {
        if (left.Number is { } x && right.Number is { } y)
        {
            // As the language compares: a NaN meets none but "!=".
            return condition.Operator switch
            {
                ">" => x > y,
                ">=" => x >= y,
                "<" => x < y,
                "<=" => x <= y,
                "==" => x == y,
                "!=" => x != y,
                _ => throw Unknown(condition.Operator),
            };
        }

        if (left.Text is { } a && right.Text is { } b)
        {
            var order = string.CompareOrdinal(a, b);
            return condition.Operator switch
            {
                ">" => order > 0,
                ">=" => order >= 0,
                "<" => order < 0,
                "<=" => order <= 0,
                "==" => order == 0,
                "!=" => order != 0,
                _ => throw Unknown(condition.Operator),
            };
        }

        throw new GristmillException(
            ErrorCodes.Invalid,
            $"The condition compares {LeftText(condition)}, which is {left}, with {right}: numbers and truth values compare with each other, texts with texts.",
            "Compare things of one type.");
    }

    private static GristmillException Unknown(string? sign) => new(ErrorCodes.Invalid, $"'{sign}' is not an operator.");

    private static ConditionOperand? Resolve(OptionsReference? reference, string? literal, Func<OptionsReference, ConditionOperand?> resolve)
    {
        if (reference is not null)
        {
            return resolve(reference);
        }

        using var document = JsonDocument.Parse(literal ?? "null");
        return ConditionOperand.Of(document.RootElement);
    }

    private static OptionsReference? Left(ConditionSpec condition) =>
        condition.Stage is { } stage ? new OptionsReference(null, stage, condition.Metric) : Reference(condition.Left);

    private static OptionsReference? Reference(string? json) => json is null || !json.Contains('$', StringComparison.Ordinal) ? null : OptionsTemplate.Reference(json);

    private static string LeftText(ConditionSpec condition) => condition.Stage is { } stage ? $"{stage}.{condition.Metric}" : ValueText(condition.Left);

    private static string ValueText(string? json) => Reference(json) switch
    {
        null => json ?? "null",
        { Loop: not null, IsIndex: true } index => $"{index.Loop}.index",
        { Loop: not null } item => item.Path is null ? item.Loop : $"{item.Loop}.{item.Path}",
        { Stage: not null } value => $"{value.Stage}.{value.Metric ?? value.Output}",
        { Parameter: { } parameter } => parameter,
        _ => json!,
    };
}
