using Apache.Arrow;

namespace Gristmill.Data.Execution;

/// <summary>Steps in C#, or none: each worker takes a block, does all of them with it while it is in the processor's cache, and hands it on in order.</summary>
internal sealed class MapStage : Stage
{
    private readonly FlowRun _run;
    private readonly WorkSource _input;
    private readonly IReadOnlyList<BlockStep> _steps;
    private readonly OrderedBlocks _done;
    private bool _started;

    public MapStage(FlowRun run, WorkSource input, IReadOnlyList<BlockStep> steps)
    {
        (_run, _input, _steps, _done) = (run, input, steps, new OrderedBlocks(run.Shares.Queue));
        run.OnEnd(_done.Close);
    }

    public override Schema Schema => _steps.Count > 0 ? _steps[^1].Schema : _input.Schema;

    /// <summary>Does all steps with a block. Rows of all are those of the first: a step that leaves rows out does not know how many were left out before it.</summary>
    public static Block Pass(Func<Block, Block>[] passes, Block block)
    {
        var (firstRow, before) = (block.FirstRow, block.RowsBefore);
        foreach (var pass in passes)
        {
            block = pass(block);
            (block.FirstRow, block.RowsBefore) = (firstRow, before);
        }

        return block;
    }

    protected override Block? Next()
    {
        if (!_started)
        {
            _started = true;
            var workers = _run.Options.Workers;
            _done.Expect(workers);
            for (var i = 0; i < workers; i++)
            {
                _run.Start(Work);
            }
        }

        return _done.Take();
    }

    private void Work()
    {
        var passes = _steps.Select(static step => step.Open()).ToArray();
        while (_input.Next() is { } part)
        {
            using (part)
            {
                while (part.Take() is { } block)
                {
                    block = Pass(passes, block);
                    if (!_done.Add(part.Number, block))
                    {
                        block.Release();
                        return;
                    }
                }

                _done.CompletePart(part.Number);
            }
        }

        _done.Complete();
    }
}
