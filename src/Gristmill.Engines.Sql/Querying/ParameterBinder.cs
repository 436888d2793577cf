using System.Collections.Immutable;
using System.Text.Json;
using DuckDB.NET.Native;
using Gristmill.Engines.Sql.Sessions;

namespace Gristmill.Engines.Sql.Querying;

/// <summary>Binds JSON values to the parameters of a statement.</summary>
internal static class ParameterBinder
{
    /// <summary>Binds every parameter.</summary>
    /// <exception cref="GristmillException">invalid: a parameter without a value, a value without a parameter, or one that is not well formed.</exception>
    public static void Bind(DuckStatement statement, ImmutableDictionary<string, JsonElement> values)
    {
        var parameters = statement.Parameters;
        foreach (var name in values.Keys)
        {
            if (!parameters.Contains(name, StringComparer.Ordinal))
            {
                throw new GristmillException(ErrorCodes.Invalid, $"The query has no parameter ${name}, but a value is given for it.",
                    parameters.Count == 0 ? "It has none." : $"It has ${string.Join(", $", parameters)}.").With("parameter", name);
            }
        }

        for (var i = 0; i < parameters.Count; i++)
        {
            if (!values.TryGetValue(parameters[i], out var json))
            {
                throw new GristmillException(ErrorCodes.Invalid, $"The query's parameter ${parameters[i]} has no value.",
                    "Add it to the stage's values.").With("parameter", parameters[i]);
            }

            using var value = ParameterValue.Create(parameters[i], json);
            if (!NativeMethods.PreparedStatements.DuckDBBindValue(statement.Handle, i + 1, value).IsSuccess())
            {
                throw new GristmillException(ErrorCodes.Invalid, $"DuckDB does not take {json.GetRawText()} for the parameter ${parameters[i]}.")
                    .With("parameter", parameters[i]);
            }
        }
    }
}
