using Gristmill.Engines.Sql.Sessions;

namespace Gristmill.Engines.Sql.Reading;

/// <summary>"sql.read".</summary>
internal static class ReadOperation
{
    public static StageOutputs Run(StageContext context, SqlEngineOptions engine, CancellationToken cancellationToken)
    {
        var options = context.Options<ReadOptions>();
        var files = SourceFiles.Resolve(options.Path, context);
        var format = SourceFiles.FormatOf(options.Format, files[0]);
        var setsApart = options.OnError != BadRows.Fail;
        if (setsApart && format != "CSV")
        {
            throw new GristmillException(ErrorCodes.Invalid, $"Bad rows cannot be left out of '{ReadErrors.Shown(files)}': it is read as {format}, and onError is for CSV.", "Leave onError out.");
        }

        using var session = DuckSession.Open(context, engine);
        session.Lock();
        Exception Fail(string error) => ReadErrors.Explain(DuckError.Parse(error), files, format, cancellationToken);

        var source = $"read_{format}([{string.Join(", ", files.Select(QueryText.Literal))}]{(setsApart ? CsvRejects.Argument : "")})";
        var statement = DuckStatement.Prepare(session, $"select * from {source}", Fail);
        try
        {
            if (options.Columns is { IsDefaultOrEmpty: false } columns)
            {
                var known = statement.Columns;
                foreach (var column in columns)
                {
                    if (!known.Contains(column, StringComparer.Ordinal))
                    {
                        throw new GristmillException(ErrorCodes.UnknownColumn, $"'{ReadErrors.Shown(files)}' has no column '{column}'.",
                            $"It has {string.Join(", ", known)}.").With("column", column).With("columns", string.Join(", ", known));
                    }
                }

                statement.Dispose();
                statement = DuckStatement.Prepare(session, $"select {string.Join(", ", columns.Select(QueryText.Identifier))} from {source}", Fail);
            }

            var outputs = StageOutputs.Of(statement.Run(context.Objects, statistics: true, cancellationToken));
            return setsApart ? CsvRejects.Add(outputs, context, session, options.OnError, Fail, cancellationToken) : outputs;
        }
        finally
        {
            statement.Dispose();
        }
    }
}
