using Apache.Arrow;
using Gristmill.Data.Sources;

namespace Gristmill.Data.Rows;

/// <summary>A member of a row type and the column that it is read from.</summary>
/// <param name="Member">The member.</param>
/// <param name="Column">Number of the column; -1: there is none, and the member has its default.</param>
/// <param name="Name">The column's name.</param>
/// <param name="Fit">How its values are read.</param>
internal sealed record BoundColumn(RowMember Member, int Column, string Name, ColumnFit? Fit);

/// <summary>Finds the columns of a row type by name.</summary>
internal static class RowBinding
{
    /// <summary>One column a member.</summary>
    /// <exception cref="GristmillException">
    /// <see cref="ErrorCodes.UnknownColumn"/>, <see cref="ErrorCodes.TypeMismatch"/>, <see cref="ErrorCodes.Invalid"/>: two columns fit one member.
    /// </exception>
    public static IReadOnlyList<BoundColumn> Bind(RowShape shape, Schema schema)
    {
        if (shape.Inputs.Count == 0)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"{RowChain.Name(shape.Type)} has neither a public constructor with parameters nor properties that can be set, so no column can be read into it.",
                "Use a record, such as record struct Flight(int Delay, double Distance).");
        }

        if (RowShape.IsPlain(shape.Type) && schema.FieldsList.Count == 1)
        {
            return [Fit(shape, shape.Inputs[0], schema, 0)];
        }

        return [.. shape.Inputs.Select(member => Find(shape, member, schema) is var column && column >= 0 ? Fit(shape, member, schema, column) : new BoundColumn(member, -1, member.Name, null))];
    }

    private static BoundColumn Fit(RowShape shape, RowMember member, Schema schema, int column)
    {
        var field = schema.GetFieldByIndex(column);
        return ColumnFit.Of(field.DataType, member.Core) is { } fit
            ? new BoundColumn(member, column, field.Name, fit)
            : throw new GristmillException(ErrorCodes.TypeMismatch,
                $"The column '{field.Name}' is {SchemaChange.Text(field.DataType)}, and {RowChain.Name(shape.Type)}.{member.Name} is {RowChain.Name(member.Type)}, which cannot hold each of its values.",
                "Declare the type that fits, or cast the column in SQL before.").With("column", field.Name).With("type", SchemaChange.Text(field.DataType));
    }

    private static int Find(RowShape shape, RowMember member, Schema schema)
    {
        var fields = schema.FieldsList;
        var name = member.Column ?? member.Name;
        Func<string, bool>[] rules =
        [
            candidate => candidate == name,
            candidate => candidate.Equals(name, StringComparison.OrdinalIgnoreCase),
            // As databases write names and as C# does: arrival_delay, ArrivalDelay.
            candidate => Plain(candidate).Equals(Plain(name), StringComparison.OrdinalIgnoreCase),
        ];
        foreach (var rule in member.Column is null ? rules : rules[..1])
        {
            var found = Enumerable.Range(0, fields.Count).Where(i => rule(fields[i].Name)).ToList();
            if (found.Count == 1)
            {
                return found[0];
            }

            if (found.Count > 1)
            {
                throw new GristmillException(ErrorCodes.Invalid, $"{RowChain.Name(shape.Type)}.{member.Name} may be the column {string.Join(" or ", found.Select(i => $"'{fields[i].Name}'"))}.",
                    "Say which with [Column(\"name\")].").With("column", name);
            }
        }

        return member.Optional ? -1 : throw new GristmillException(ErrorCodes.UnknownColumn, $"There is no column for {RowChain.Name(shape.Type)}.{member.Name}.",
            $"The columns are {string.Join(", ", fields.Select(static field => field.Name))}.").With("column", name).With("columns", string.Join(", ", fields.Select(static field => field.Name)));
    }

    private static string Plain(string name) => name.Replace("_", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal).Replace("-", "", StringComparison.Ordinal);
}
