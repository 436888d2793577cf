using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Gristmill.Objects;

namespace Gristmill.Hosting;

/// <summary>
/// Runs SQL over objects, each a table of its id, in a worker as stages do. The result is an object of the owner "flight/...", which goes like any
/// that no run has made: two minutes after it was made at the earliest, and never while somebody reads it.
/// </summary>
internal sealed partial class FlightQueries(ObjectStore store, ObjectFetcher fetcher, IStageExecutor executor, IStageFiles files)
{
    /// <summary>Who owns what comes by Flight.</summary>
    public const string Owner = "flight";

    /// <summary>How long a result is there at least.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromMinutes(2);

    private const int MaxQuery = 1 << 20;
    private const int MaxTables = 256;

    private static readonly UTF8Encoding s_utf8 = new(false, throwOnInvalidBytes: true);

    /// <summary>The text of a command.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>, <see cref="ErrorCodes.TooLarge"/>.</exception>
    public static string Text(byte[] command)
    {
        if (command.Length > MaxQuery)
        {
            throw new GristmillException(ErrorCodes.TooLarge, $"The query has {command.Length} bytes; {MaxQuery} are taken.", "Put its values into a table of their own.");
        }

        try
        {
            return s_utf8.GetString(command) is var text && !string.IsNullOrWhiteSpace(text)
                ? text
                : throw new GristmillException(ErrorCodes.Invalid, "The command is empty.", "Give a SQL text, such as select * from \"OBJECT ID\".");
        }
        catch (DecoderFallbackException e)
        {
            throw new GristmillException(ErrorCodes.Invalid, "The command is neither a SQL text in UTF-8 nor a command of Flight SQL.", "Give a SQL text, such as select * from \"OBJECT ID\".", e);
        }
    }

    /// <summary>Runs a query.</summary>
    /// <param name="sql">One SELECT in DuckDB's dialect.</param>
    /// <param name="input">A table that it knows as "input" besides the objects it names; null: none.</param>
    /// <param name="cancellationToken">Ends the query.</param>
    public async Task<ObjectRef> RunAsync(string sql, ObjectRef? input, CancellationToken cancellationToken)
    {
        var inputs = ImmutableDictionary.CreateBuilder<string, Artifact>(StringComparer.Ordinal);
        var leases = new List<ObjectLease>();
        try
        {
            foreach (var id in ObjectId().Matches(sql).Select(static match => match.Value.ToLowerInvariant()).Distinct(StringComparer.Ordinal).Take(MaxTables))
            {
                // Held until the query is done. What is not there may be a text that only looks so: if it is a table, the engine says that it is missing.
                if (await fetcher.TryFetchAsync(id, cancellationToken))
                {
                    var lease = store.Get(id);
                    leases.Add(lease);
                    inputs[id] = Artifact.Of(lease.Ref);
                }
            }

            if (input is not null)
            {
                inputs["input"] = Artifact.Of(input);
            }

            var stage = new StageOrigin(Owner, Guid.NewGuid().ToString("n"));
            try
            {
                var result = await executor.ExecuteAsync(new StageRequest
                {
                    RunId = stage.Run,
                    Stage = stage.Stage,
                    Attempt = 1,
                    Epoch = 1,
                    Operation = StageOperations.SqlQuery,
                    Options = JsonSerializer.Serialize(new Dictionary<string, string> { ["query"] = sql }),
                    Inputs = inputs.ToImmutable(),
                }, null, cancellationToken);
                return result.Outputs["out"].Dataset ?? throw new GristmillException(ErrorCodes.Internal, "The query has made no table.");
            }
            finally
            {
                // A query prints nothing that anybody could ask for later.
                files.Remove(stage, 1, files.KeepLog(stage, 1) is { } log ? [log] : []);
            }
        }
        finally
        {
            leases.ForEach(static lease => lease.Dispose());
        }
    }

    /// <summary>A query of the same columns and no rows.</summary>
    public static string WithoutRows(string sql) => $"select * from (\n{sql.TrimEnd().TrimEnd(';')}\n) limit 0";

    [GeneratedRegex("(?<![0-9A-Za-z_])[0-9a-fA-F]{32}(?![0-9A-Za-z_])")]
    private static partial Regex ObjectId();
}
