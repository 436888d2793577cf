using Apache.Arrow;
using DuckDB.NET.Native;
using Gristmill.Engines.Sql.Sessions;
using Gristmill.Objects;

namespace Gristmill.Engines.Sql;

/// <summary>A prepared statement.</summary>
public sealed class SqlStatement : IDisposable
{
    private readonly DuckStatement _statement;

    internal SqlStatement(DuckStatement statement) => _statement = statement;

    /// <summary>Columns of the result.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Sql"/>: two have one name; <see cref="ErrorCodes.TypeMismatch"/>: one has a type that Arrow has not.</exception>
    public Schema Schema => _statement.Schema;

    /// <summary>Binds a text to a parameter; the statement casts it to what it is. Parameters that the statement lacks are passed over.</summary>
    /// <param name="name">The parameter, without its dollar sign.</param>
    /// <param name="value">The text; null: NULL.</param>
    public void Bind(string name, string? value)
    {
        var at = 0;
        for (var i = 0; i < _statement.Parameters.Count; i++)
        {
            at = _statement.Parameters[i] == name ? i + 1 : at;
        }

        if (at == 0)
        {
            return;
        }

        using var bound = value is null ? NativeMethods.Value.DuckDBCreateNullValue() : NativeMethods.Value.DuckDBCreateVarchar(value);
        if (!NativeMethods.PreparedStatements.DuckDBBindValue(_statement.Handle, at, bound).IsSuccess())
        {
            throw new GristmillException(ErrorCodes.Invalid, $"DuckDB does not take '{value}' for the parameter ${name}.").With("parameter", name);
        }
    }

    /// <summary>Starts it.</summary>
    /// <param name="cancellationToken">Interrupts it.</param>
    public SqlResult Run(CancellationToken cancellationToken) => _statement.Open(cancellationToken);

    /// <summary>Runs it into a new object, whose columns are written where they stay.</summary>
    /// <param name="store">Where the object goes.</param>
    /// <param name="cancellationToken">Interrupts it.</param>
    public ObjectRef RunToObject(ObjectStore store, CancellationToken cancellationToken) => _statement.Run(store, cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => _statement.Dispose();
}
