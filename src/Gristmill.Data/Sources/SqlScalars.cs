using Apache.Arrow;
using Gristmill.Data.Planning;
using Gristmill.Engines.Sql;

namespace Gristmill.Data.Sources;

/// <summary>Results of one number.</summary>
internal static class SqlScalars
{
    /// <summary>The first number of the first row; 0 where there is none.</summary>
    public static long Number(SqlStatement statement, CancellationToken cancellationToken)
    {
        using var result = statement.Run(cancellationToken);
        long number = 0;
        while (result.Read(static () => new HeapColumns(), int.MaxValue, long.MaxValue) is { } batch)
        {
            number = ((Int64Array)batch.Column(0)).GetValue(0) ?? 0;
        }

        return number;
    }
}
