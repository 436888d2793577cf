using Apache.Arrow;
using Gristmill.Data.Interop;
using Gristmill.Data.Planning;
using Gristmill.Engines.Sql;

namespace Gristmill.Data.Execution;

/// <summary>The rows of a query. DuckDB works ahead by its result buffer; the rest is done by whoever takes blocks.</summary>
internal sealed class SqlStage : Stage
{
    private readonly FlowRun _run;
    private readonly SqlUnit _unit;
    private readonly SqlStatement _statement;
    private SqlResult? _result;

    public SqlStage(FlowRun run, SqlUnit unit, Func<string, string> around)
    {
        (_run, _unit) = (run, unit);
        unit.Tune(around);
        _statement = run.Own(unit.Prepare(around));
        Schema = _statement.Schema;
    }

    public override Schema Schema { get; }

    protected override Block? Next()
    {
        _result ??= _run.Own(_statement.Run(_run.Token));
        BlockMemory? memory = null;
        try
        {
            if (_result.Read(() => memory = new BlockMemory(_run.Memory), BlockSize.Rows, _run.Shares.Block) is { } batch)
            {
                return new Block(batch, memory);
            }
        }
        catch
        {
            memory?.Release();
            throw;
        }

        _result.Dispose();
        _unit.FinishFiles();
        return null;
    }
}
