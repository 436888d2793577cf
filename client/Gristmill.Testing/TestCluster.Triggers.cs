using Microsoft.Extensions.DependencyInjection;

namespace Gristmill.Testing;

// Triggers, and the clock that they go by.
public sealed partial class TestCluster
{
    /// <summary>Registers a pipeline and makes a trigger of it, which fires as the clock goes on.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="trigger">When to run it.</param>
    /// <exception cref="GristmillException">A stage, or the trigger, is wrong.</exception>
    public async Task AddTriggerAsync(Pipeline pipeline, TriggerSpec trigger)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        ArgumentNullException.ThrowIfNull(trigger);
        await Grains.RegisterPipelineAsync(pipeline.Spec);
        await Grains.GetGrain<ITriggerGrain>(trigger.Name).PutAsync(trigger, onlyNew: true);
    }

    /// <summary>
    /// Puts the clock forward and stops wherever a trigger has something due, so that it fires at its time. What it starts, and what that starts
    /// in turn, is waited for before the clock goes on.
    /// </summary>
    /// <param name="by">How far.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <returns>The runs, in the order in which they were started; they may have failed.</returns>
    /// <exception cref="TimeoutException">A run takes longer than <see cref="TestClusterOptions.Patience"/>.</exception>
    public async Task<IReadOnlyList<TestRun>> AdvanceAsync(TimeSpan by, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(by, TimeSpan.Zero);
        var table = Services.GetRequiredService<IReminderTable>();
        var known = Runs(await ListFiringsAsync()).ToHashSet(StringComparer.Ordinal);
        var ended = new List<TestRun>();
        for (var end = Time.GetUtcNow() + by; ;)
        {
            var now = Time.GetUtcNow();
            var reminders = (await table.ReadRows(0u, 0u, cancellationToken)).Reminders;
            var next = reminders.Select(row => NextTick(row, now)).Append(Time.NextGrainTimer ?? end).Append(end).Min();
            Time.Advance(next > now ? next - now : TimeSpan.Zero);
            foreach (var row in reminders)
            {
                // One that comes early finds nothing to do. It returns when what was due has been started.
                await Grains.GetGrain<IRemindable>(row.GrainId).ReceiveReminder(row.ReminderName, new TickStatus(row.StartAt, row.Period, Time.GetUtcNow().UtcDateTime), cancellationToken);
            }

            await FinishFiringsAsync(table, known, ended, cancellationToken);
            if (next >= end)
            {
                return ended;
            }
        }
    }

    private static DateTimeOffset NextTick(ReminderEntry reminder, DateTimeOffset now)
    {
        var start = new DateTimeOffset(DateTime.SpecifyKind(reminder.StartAt, DateTimeKind.Utc));
        return start > now ? start : start + (reminder.Period * (Math.Floor((now - start) / reminder.Period) + 1));
    }

    /// <summary>Waits for the runs that triggers have started, and for those that follow them, until no firing waits for its run.</summary>
    private async Task FinishFiringsAsync(IReminderTable table, HashSet<string> known, List<TestRun> ended, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(_options.Patience);
        while (true)
        {
            var firings = await ListFiringsAsync();
            var started = Runs(firings).Where(known.Add).ToList();
            foreach (var run in started)
            {
                ended.Add(await WaitAsync(run, cancellationToken));
                // A run's reminder goes when everybody who waits for its end has been told.
                while ((await table.ReadRows(Grains.GetGrain<IRunGrain>(run).GetGrainId(), cancellationToken)).Reminders.Count > 0)
                {
                    Wait($"run {run} is over, but not everybody has been told");
                    await Task.Delay(s_quiet, cancellationToken);
                }
            }

            if (started.Count == 0 && !firings.Exists(static firing => firing.Outcome == FiringOutcome.Waiting))
            {
                return;
            }

            if (started.Count == 0)
            {
                Wait("a trigger's firing waits for its run to be started");
                await Task.Delay(s_quiet, cancellationToken);
            }
        }

        void Wait(string what)
        {
            if (patience.IsCancellationRequested)
            {
                throw new TimeoutException($"After {_options.Patience.TotalSeconds:0.#} s {what}.");
            }
        }
    }

    private static IEnumerable<string> Runs(IEnumerable<TriggerFiring> firings) =>
        firings.Where(static firing => firing.Run is not null).OrderBy(static firing => firing.Fired).ThenBy(static firing => firing.Number).Select(static firing => firing.Run!);

    private async Task<List<TriggerFiring>> ListFiringsAsync()
    {
        var firings = new List<TriggerFiring>();
        for (var shard = 0; shard < ITriggerDirectoryGrain.ShardCount; shard++)
        {
            foreach (var name in await Grains.GetGrain<ITriggerDirectoryGrain>(shard).ListAsync(null, null, int.MaxValue))
            {
                firings.AddRange(await Grains.GetGrain<ITriggerGrain>(name).ListFiringsAsync(200, 0));
            }
        }

        return firings;
    }
}
